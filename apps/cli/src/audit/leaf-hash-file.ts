import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { messageOf } from '@countersign/auth-core';
import { type LeafHashes } from '@countersign/merkle-log';
import { CliError, ExitCode } from '../cli-error.js';

const HASH = 32;
const BLOCK = 2_048;

/** Leaf hashes by index, from a file of level-0 tiles; one block of them is in memory. */
export class LeafHashFile implements LeafHashes {
  readonly #file: number;
  readonly #block = Buffer.alloc(BLOCK * HASH);
  #blockAt = -1;
  readonly size: number;

  /** @throws {CliError} */
  constructor(path: string) {
    try {
      this.#file = openSync(path, 'r');
      const { size } = fstatSync(this.#file);
      if (size % HASH !== 0) throw new Error(`${path} is not a file of leaf hashes, or was cut off: fetch it again`);
      this.size = size / HASH;
    } catch (error) {
      throw new CliError(ExitCode.usage, 'FILE_UNREADABLE', messageOf(error));
    }
  }

  at(logIndex: number): Buffer | undefined {
    if (logIndex >= this.size) return undefined;
    const block = Math.floor(logIndex / BLOCK);
    if (block !== this.#blockAt) {
      readSync(this.#file, this.#block, 0, this.#block.length, block * BLOCK * HASH);
      this.#blockAt = block;
    }
    const start = (logIndex % BLOCK) * HASH;
    return Buffer.from(this.#block.subarray(start, start + HASH));
  }

  close(): void {
    closeSync(this.#file);
  }
}
