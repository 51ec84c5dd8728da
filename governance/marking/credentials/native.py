"""The native C2PA library (c2pa-rs): how it is set up, and which one it is."""

from dataclasses import dataclass

import c2pa

TOOL = "c2pa-rs"

# Purposes of certificates that sign manifests (C2PA technical specification 2.x, section 14.5.1);
# the library's own list has the first one only.
PURPOSES = (
    "1.3.6.1.5.5.7.3.4",  # e-mail protection
    "1.3.6.1.5.5.7.3.36",  # document signing
    "1.3.6.1.4.1.62558.2.1",  # C2PA claim signing
)


# Names of the trust lists; the library says under which one it found a certificate.
SIGNERS, STAMPS = "signers", "stamps"


@dataclass(frozen=True)
class Trust:
    """Roots to accept, as PEM: of who signs manifests, and of who stamps the time."""

    signers: str = ""
    stamps: str = ""


NOBODY = Trust()


def settings(trust: Trust = NOBODY) -> c2pa.Context:
    """How files are read and written. Files never make us use the network."""
    lists = ((SIGNERS, "manifest", trust.signers), (STAMPS, "tsa", trust.stamps))
    return c2pa.Context(
        c2pa.Settings.from_dict(
            {
                "trust": {
                    "trust_config": "\n".join(PURPOSES),
                    "anchors": [
                        {"trust_anchors": pem, "trust_uri": name, "trust_kind": kind}
                        for name, kind, pem in lists
                        if pem
                    ],
                },
                "verify": {
                    "verify_trust": True,
                    "remote_manifest_fetch": False,
                    "ocsp_fetch": False,
                },
                "builder": {"thumbnail": {"enabled": False}},
            }
        )
    )


def version() -> str:
    """The version of the library."""
    return str(c2pa.sdk_version())
