/** Hands each block of samples to the page, as the microphone gives them. */

declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

class Pcm extends AudioWorkletProcessor {
  process(inputs: readonly (readonly Float32Array[])[]): boolean {
    const channel = inputs[0]?.[0];
    // The browser uses the block again: what is kept must be a copy.
    if (channel !== undefined) this.port.postMessage(channel.slice());
    return true;
  }
}

registerProcessor("pcm", Pcm);
