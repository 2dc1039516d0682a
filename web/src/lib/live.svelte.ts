// SPDX-License-Identifier: Apache-2.0
//
// The live view's engine: asks for one picture with its detections, shows it, asks for the next.
// Never two requests at once, so a slow machine or network lowers the rate and builds no queue.
import { CameraClient, VisionClient, type RobotClient } from '@viamrobotics/sdk';
import { toBox, type Box, type Size } from './boxes';
import { PHASES, phaseTimes, type Phase, type PhaseTimes } from './phases';
import { decodePicture } from './picture';
import { Rate, Smoothed } from './rate';
import { retryDelay, toTrouble, type Trouble } from './retry';

// More than a screen can show is work for nothing.
const MIN_INTERVAL_MS = 1000 / 30;
const CALL_TIMEOUT_MS = 15_000;

export interface Source {
  readonly robot: RobotClient;
  readonly camera: string;
  /** "": the picture alone. */
  readonly vision: string;
}

export interface Frame {
  /** Valid until the next frame is shown. */
  readonly bitmap: ImageBitmap;
  readonly size: Size;
  readonly boxes: readonly Box[];
  readonly classes: readonly { label: string; confidence: number }[];
}

interface Answer extends Frame {
  readonly phases: PhaseTimes | null;
}

export class Live {
  frame = $state.raw<Frame | null>(null);
  framesPerSecond = $state(0);
  /** Smoothed; null where the machine does not measure. */
  phases = $state.raw<PhaseTimes | null>(null);
  /** From the request to the decoded answer, as this browser sees it; smoothed. */
  roundTripMs = $state<number | null>(null);
  trouble = $state.raw<Trouble | null>(null);

  #rate = new Rate();
  #roundTrip = new Smoothed();
  #smoothed = new Map<Phase, Smoothed>(PHASES.map((phase) => [phase, new Smoothed()]));

  /** Runs until `signal` aborts. Errors are shown and tried again; `onTrouble` hears of each. */
  async run(source: Source, signal: AbortSignal, onTrouble: (trouble: Trouble) => void) {
    this.#reset();
    let failures = 0;
    while (!signal.aborted) {
      await untilVisible(signal);
      const began = performance.now();
      try {
        const answer = await ask(source, signal);
        if (signal.aborted) return answer.bitmap.close();
        this.#show(answer, began);
        failures = 0;
        await wait(MIN_INTERVAL_MS - (performance.now() - began), signal);
      } catch (error) {
        if (signal.aborted) return;
        this.trouble = toTrouble(error);
        this.framesPerSecond = this.#rate.perSecond(performance.now());
        onTrouble(this.trouble);
        await wait(retryDelay(failures++), signal);
      }
    }
  }

  #show({ phases, ...frame }: Answer, began: number): void {
    const now = performance.now();
    this.frame?.bitmap.close();
    this.frame = frame;
    this.trouble = null;
    this.#rate.add(now);
    this.framesPerSecond = this.#rate.perSecond(now);
    this.roundTripMs = this.#roundTrip.add(now - began, now);
    this.phases =
      phases &&
      (Object.fromEntries(
        PHASES.map((phase) => [phase, this.#smoothed.get(phase)?.add(phases[phase], now) ?? 0]),
      ) as PhaseTimes);
  }

  #reset(): void {
    this.frame?.bitmap.close();
    this.frame = null;
    this.phases = null;
    this.roundTripMs = null;
    this.trouble = null;
    this.framesPerSecond = 0;
    this.#rate.clear();
    this.#roundTrip.clear();
    for (const value of this.#smoothed.values()) value.clear();
  }
}

async function ask(source: Source, signal: AbortSignal): Promise<Answer> {
  const options = { signal, timeoutMs: CALL_TIMEOUT_MS };
  if (source.vision === '') {
    const camera = new CameraClient(source.robot, source.camera);
    const image = (await camera.getImages([], {}, options)).images[0];
    if (image === undefined) throw new Error(`camera ${source.camera} sent no picture`);
    const bitmap = await decodePicture(image.image, image.mimeType);
    return { bitmap, size: sizeOf(bitmap), boxes: [], classes: [], phases: null };
  }
  const vision = new VisionClient(source.robot, source.vision);
  const all = await vision.captureAllFromCamera(
    source.camera,
    {
      returnImage: true,
      returnDetections: true,
      returnClassifications: true,
      returnObjectPointClouds: false,
    },
    {},
    options,
  );
  if (all.image === undefined) throw new Error(`vision service ${source.vision} sent no picture`);
  const bitmap = await decodePicture(all.image.image, all.image.mimeType);
  const size = sizeOf(bitmap);
  return {
    bitmap,
    size,
    boxes: all.detections.map((one) => toBox(one, size)).filter((box) => box !== null),
    classes: all.classifications.map((one) => ({
      label: one.className,
      confidence: one.confidence,
    })),
    phases: phaseTimes(all.extra?.toJson()),
  };
}

function sizeOf(bitmap: ImageBitmap): Size {
  return { width: bitmap.width, height: bitmap.height };
}

// A page that nobody looks at asks for nothing.
function untilVisible(signal: AbortSignal): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener('visibilitychange', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    document.addEventListener('visibilitychange', done);
    signal.addEventListener('abort', done);
  });
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, Math.max(0, ms));
    signal.addEventListener('abort', done);
  });
}
