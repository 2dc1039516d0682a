// SPDX-License-Identifier: Apache-2.0
//
// A camera of a camera: data capture gets the pictures around what vision services look for, and
// all others get what the camera sees.
import { CallError, fromStruct, status, toStruct } from './module.mjs';
import { readConfig } from './config.mjs';
import { matches, Statistics } from './verdict.mjs';
import { Window } from './window.mjs';

const CAMERA = 'rdk:component:camera';
const VISION = 'rdk:service:vision';
const MAX_CLASSES = 100; // that a vision service is asked for
const MAX_ANSWER = 24 << 20; // bytes of pictures in one answer; machines take 32 MiB
const MAX_KEPT = 256 << 20; // bytes of pictures that wait
// Data capture knows the words.
const nothing = () => new CallError(status.FAILED_PRECONDITION, 'no capture from filter module: nothing to keep');

const fromDataManagement = ({ extra }) => fromStruct(extra).fromDataManagement === true;
const isPicture = ({ mimeType }) => mimeType.startsWith('image/') && mimeType !== 'image/vnd.viam.dep';

export class FilteredCamera {
  #timer;
  #reading = false;

  constructor({ name, attributes }, machine) {
    this.name = name;
    this.config = readConfig(attributes);
    this.machine = machine;
    this.statistics = new Statistics(new Date());
    this.window = new Window({ ...this.config, maxBytes: MAX_KEPT });
    if (this.config.before + this.config.after > 0)
      this.#timer = setInterval(() => this.#watch(), Math.max(1, 1000 / this.config.frequency));
  }

  close() {
    clearInterval(this.#timer);
  }

  #ask(method, request) {
    return this.machine.call(CAMERA, method, { ...request, name: this.config.camera });
  }

  async #frame(filterSourceNames = []) {
    const { images = [] } = await this.#ask('GetImages', { filterSourceNames });
    return { time: Date.now(), images };
  }

  // A tick of image_frequency. One that comes while the camera still answers the last one is left out.
  async #watch() {
    if (this.#reading) return;
    this.#reading = true;
    try {
      this.window.add(await this.#frame());
      this.trouble = undefined;
    } catch (error) {
      // Once, not at each tick: callers are told, too.
      if (this.trouble !== error.message) console.error(`${this.name}: ${this.config.camera}: ${error.message}`);
      this.trouble = error.message;
    } finally {
      this.#reading = false;
    }
  }

  async #look(service, { image, mimeType }) {
    const request = { name: service.vision, image, mimeType };
    const wants = (scores) => Object.keys(scores).length > 0;
    const [detected, classified] = await Promise.all([
      wants(service.objects) ? this.machine.call(VISION, 'GetDetections', request) : {},
      wants(service.classifications) ? this.machine.call(VISION, 'GetClassifications', { ...request, n: MAX_CLASSES }) : {},
    ]);
    return matches(service, { ...detected, ...classified });
  }

  // Annotations of the picture if it is to be kept, else null. What inhibits goes first.
  async #judge(picture) {
    const { services, debug } = this.config;
    const found = await Promise.all(services.map((service) => this.#look(service, picture)));
    const matching = services.map((service, i) => ({ ...service, found: found[i] })).filter((one) => one.found);
    const inhibited = matching.filter((one) => one.inhibit);
    const accepted = inhibited.length === 0 ? matching : [];
    this.statistics.count(accepted.length > 0, (inhibited.length > 0 ? inhibited : accepted).map((one) => one.vision));
    if (debug) console.log(`${this.name}: ${picture.sourceName}: ${accepted.length > 0 ? 'kept' : 'left out'}, by ${JSON.stringify(matching.map(({ vision, found: why }) => [vision, why]))}`);
    if (accepted.length === 0) return null;
    return {
      bboxes: accepted.flatMap((one) => one.found.bboxes),
      classifications: accepted.flatMap((one) => one.found.classifications),
    };
  }

  // Looks at the camera now. If a picture is what is looked for, frames become due.
  async #lookNow(filterSourceNames) {
    const frame = await this.#frame(filterSourceNames);
    if (!this.window.listens(frame.time)) return;
    const verdicts = await Promise.all(frame.images.map((picture) => (isPicture(picture) ? this.#judge(picture) : null)));
    if (!verdicts.some((verdict) => verdict !== null)) return;
    const images = frame.images.map((picture, i) => (verdicts[i] ? { ...picture, annotations: verdicts[i] } : picture));
    this.window.trigger({ ...frame, images });
  }

  async #due(filterSourceNames, maxFrames) {
    await this.#lookNow(filterSourceNames);
    const frames = this.window.take(MAX_ANSWER, maxFrames);
    const images = frames.flatMap(({ time, images: pictures }) => pictures.map((picture) => ({
      ...picture, sourceName: `${new Date(time).toISOString()}_${picture.sourceName}` })));
    if (images.length === 0) throw nothing();
    return { time: frames[0].time, images };
  }

  async getImages(request) {
    if (!fromDataManagement(request)) return this.#ask('GetImages', request);
    const { time, images } = await this.#due(request.filterSourceNames ?? [], Infinity);
    const capturedAt = { seconds: Math.floor(time / 1000), nanos: (time % 1000) * 1e6 };
    return { images, responseMetadata: { capturedAt } };
  }

  async getImage(request) {
    if (!fromDataManagement(request)) return this.#ask('GetImage', request);
    const { images } = await this.#due([], 1);
    return { image: images[0].image, mimeType: images[0].mimeType };
  }

  renderFrame(request) {
    return this.#ask('RenderFrame', request);
  }

  getPointCloud(request) {
    return this.#ask('GetPointCloud', request);
  }

  getProperties(request) {
    return this.#ask('GetProperties', request);
  }

  /** What was kept and left out since the start, whatever the command. */
  doCommand() {
    return { result: toStruct(this.statistics.toObject()) };
  }
}
