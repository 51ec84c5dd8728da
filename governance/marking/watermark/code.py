"""A 64-bit id as 240 signs that tolerate errors; the same for pictures and sound.

The id and its CRC-16 (80 bits) go through the tail-biting convolutional code of 3GPP TS 36.212,
section 5.1.3.1: rate 1/3, constraint length 7, generators 133, 171, 165 (octal). Decoding is soft
and finds the most likely word for each of the 64 states in which the code may start and end.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

ID_BITS = 64
CRC_BITS = 16
CRC_POLYNOMIAL = 0x1021  # CRC-16-CCITT, start value 0
MESSAGE_BITS = ID_BITS + CRC_BITS
GENERATORS = (0o133, 0o171, 0o165)
MEMORY = 6
STATES = 1 << MEMORY
BITS = MESSAGE_BITS * len(GENERATORS)

# Of the 64 closed paths, those worth a checksum; more would only raise the chance of a false one.
LISTED = 8

Soft = NDArray[np.float32]
Signs = NDArray[np.int8]


def encode(ids: NDArray[np.uint64]) -> Signs:
    """Ids of shape (n,) to code words (n, BITS) of ±1; bit 0 is +1."""
    octets = ids.astype(">u8").view(np.uint8).reshape(-1, ID_BITS // 8)
    tables = _tables()
    packed = tables[0][octets[:, 0]]
    for position in range(1, ID_BITS // 8):
        packed ^= tables[position][octets[:, position]]
    bits = np.unpackbits(packed, axis=1).view(np.int8)
    signs: Signs = 1 - 2 * bits
    return signs


def decode(soft: Soft) -> int | None:
    """The id that `soft` (BITS values, positive for +1, any scale) says; None: no valid word.

    A checksum of 16 bits lets one noisy word in 8,000 through: judge `correlation` as well.
    """
    for message in _likely_messages(soft.astype(np.float32)):
        value = int.from_bytes(np.packbits(message).tobytes(), "big")
        found, checksum = value >> CRC_BITS, value & (1 << CRC_BITS) - 1
        if _crc(found) == checksum:
            return found
    return None


def correlation(soft: Soft, signs: Signs) -> Soft:
    """How well words (n, BITS) fit soft words (m, BITS), shape (n, m), in standard deviations.

    1 is what noise shows; a perfect fit is √BITS = 15.5; an empty soft word fits nothing.
    """
    lengths = np.linalg.norm(soft, axis=1, keepdims=True)
    fit: Soft = signs.astype(np.float32) @ (soft / np.maximum(lengths, np.finfo(np.float32).tiny)).T
    return fit


def _likely_messages(soft: Soft) -> list[NDArray[np.uint8]]:
    """Viterbi for all start states at once; messages of MESSAGE_BITS bits, best first."""
    sources, branch_signs = _trellis()
    steps = soft.reshape(MESSAGE_BITS, len(GENERATORS))
    gains = np.einsum("tg,pdg->tpd", steps, branch_signs)  # per step, way in, arrival state
    metric = np.full((STATES, STATES), -np.inf, np.float32)  # arrival state, start state
    np.fill_diagonal(metric, 0)
    decisions = np.empty((MESSAGE_BITS, STATES, STATES), bool)
    for step in range(MESSAGE_BITS):
        first = metric[sources[0]] + gains[step, 0][:, None]
        second = metric[sources[1]] + gains[step, 1][:, None]
        decisions[step] = second > first
        metric = np.maximum(first, second)
    closed = metric.diagonal()
    best = np.argsort(-closed)[:LISTED]
    return [_trace(decisions[:, :, start], start) for start in best]


def _trace(decisions: NDArray[np.bool_], state: int) -> NDArray[np.uint8]:
    """Walk back from `state`; a state's highest bit is the message bit that led to it."""
    sources, _ = _trellis()
    message = np.empty(MESSAGE_BITS, np.uint8)
    for step in range(MESSAGE_BITS - 1, -1, -1):
        message[step] = state >> (MEMORY - 1)
        state = sources[int(decisions[step, state]), state]
    return message


@cache
def _trellis() -> tuple[NDArray[np.int64], Signs]:
    """For both ways into each state: the state before, and the three signs sent on the way."""
    arrivals = np.arange(STATES)
    bit = arrivals >> (MEMORY - 1)
    sources = np.stack([(arrivals << 1 & STATES - 1) | lost for lost in (0, 1)])
    registers = bit[None, :] << MEMORY | sources
    signs = np.stack([1 - 2 * _parity(registers & taps) for taps in GENERATORS], axis=-1)
    return sources, signs.astype(np.int8)


@cache
def _tables() -> NDArray[np.uint8]:
    """(8, 256, BITS / 8): the packed word of every value of every byte; the code is linear."""
    places = ID_BITS // 8
    tables = np.zeros((places, 256, BITS // 8), np.uint8)
    for place in range(places):
        for value in range(256):
            tables[place, value] = _word(value << 8 * (places - 1 - place))
    return tables


def _word(identifier: int) -> NDArray[np.uint8]:
    message = identifier << CRC_BITS | _crc(identifier)
    bits = np.array([message >> MESSAGE_BITS - 1 - at & 1 for at in range(MESSAGE_BITS)])
    # Bit k of the register is the message bit MEMORY - k steps ago; the message bites its tail.
    registers = np.zeros_like(bits)
    for k in range(MEMORY + 1):
        registers |= np.roll(bits, MEMORY - k) << k
    coded = np.stack([_parity(registers & taps) for taps in GENERATORS], axis=1)
    return np.packbits(coded.astype(np.uint8).ravel())


def _crc(identifier: int) -> int:
    remainder = identifier << CRC_BITS
    for place in range(MESSAGE_BITS - 1, CRC_BITS - 1, -1):
        if remainder >> place & 1:
            remainder ^= (1 << CRC_BITS | CRC_POLYNOMIAL) << place - CRC_BITS
    return remainder


def _parity(values: NDArray[np.int64]) -> NDArray[np.int64]:
    folded = values ^ values >> 4
    folded ^= folded >> 2
    return (folded ^ folded >> 1) & 1
