// Reads one media file with c2pa-ts and prints what it found as one JSON object.
//
//   node verify_c2pa.mjs FILE
//
// Two limits of c2pa-ts with mp4, worked around on the copy in memory:
// - It reads only HEIC brands of ISO media files. The brand lies in the ftyp box, which the C2PA
//   hash of such files leaves out (technical specification, BMFF-based hash), so it may be changed.
// - It looks for a box by its path and gives up where two share one; the manifest and XMP are both
//   in top-level uuid boxes. The first is the manifest; c2pa-ts still compares its user type.

import { readFile } from "node:fs/promises";
import { BMFF, JPEG, PNG } from "@trustnxt/c2pa-ts/asset";
import { SuperBox } from "@trustnxt/c2pa-ts/jumbf";
import { ManifestStore, ValidationResult } from "@trustnxt/c2pa-ts/manifest";

const bytes = await readFile(process.argv[2]);
if (bytes.toString("latin1", 4, 8) === "ftyp") bytes.write("heic", 8, "latin1");

class MP4 extends BMFF {
  getBoxByPath(path) {
    return super.getBoxByPath(path) ?? super.getBoxByPath(`${path}[0]`);
  }
}

const Reader = [PNG, JPEG, MP4].find((candidate) => candidate.canRead(bytes));
if (!Reader) throw new Error("c2pa-ts reads no such format");

const asset = new Reader(bytes);
const jumbf = asset.getManifestJUMBF();
let found = { manifests: 0, valid: false, codes: [], assertions: [] };
if (jumbf) {
  let manifests;
  let result;
  try {
    manifests = ManifestStore.read(SuperBox.fromBuffer(jumbf));
    result = await manifests.validate(asset);
  } catch (error) {
    result = ValidationResult.fromError(error);
  }
  const assertions = manifests?.getActiveManifest()?.assertions?.assertions ?? [];
  found = {
    manifests: manifests?.manifests.length ?? 0,
    valid: result.isValid,
    codes: result.statusEntries.map((entry) => entry.code),
    assertions: assertions.map((assertion) => assertion.fullLabel ?? assertion.label),
  };
}
console.log(JSON.stringify(found));
