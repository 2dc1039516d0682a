// SPDX-License-Identifier: Apache-2.0
//
// What the vision services say of a picture, against the scores that are asked for.

// The score must be more than what is asked for; "*" is for labels that are not named.
const passes = (wanted, label, score) => score > (wanted[label] ?? wanted['*'] ?? Infinity);

/** {bboxes, classifications} of what passed, in the form of the wire; null if nothing did. */
export function matches(service, found) {
  const bboxes = (found.detections ?? [])
    .filter((one) => passes(service.objects, one.className, one.confidence))
    .map((one, i) => ({
      id: String(i),
      label: one.className,
      confidence: one.confidence,
      xMinNormalized: one.xMinNormalized,
      yMinNormalized: one.yMinNormalized,
      xMaxNormalized: one.xMaxNormalized,
      yMaxNormalized: one.yMaxNormalized,
    }));
  const classifications = (found.classifications ?? [])
    .filter((one) => passes(service.classifications, one.className, one.confidence))
    .map((one) => ({ label: one.className, confidence: one.confidence }));
  return bboxes.length + classifications.length > 0 ? { bboxes, classifications } : null;
}

/** How many pictures were kept and left out, and by which service. */
export class Statistics {
  constructor(now) {
    this.startTime = now.toISOString();
    this.accepted = { total: 0, vision: {} };
    this.rejected = { total: 0, vision: {} };
  }

  count(verdict, names) {
    const side = verdict ? this.accepted : this.rejected;
    side.total += 1;
    for (const name of names) side.vision[name] = (side.vision[name] ?? 0) + 1;
  }

  toObject() {
    return { accepted: this.accepted, rejected: this.rejected, start_time: this.startTime };
  }
}
