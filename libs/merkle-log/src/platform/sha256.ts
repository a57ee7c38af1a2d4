const BLOCK = 64;
const WORDS = 64;

/** The first 32 bits of the fractional part of a root (FIPS 180-4, sections 4.2.2 and 5.3.3). */
function fractionOf(root: number): number {
  return Math.floor((root - Math.floor(root)) * 2 ** 32);
}

function firstPrimes(count: number): readonly number[] {
  const primes: number[] = [];
  for (let candidate = 2; primes.length < count; candidate += 1) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  return primes;
}

const roundConstants = Uint32Array.from(firstPrimes(WORDS), (prime) => fractionOf(Math.cbrt(prime)));
const initialState = Uint32Array.from(firstPrimes(8), (prime) => fractionOf(Math.sqrt(prime)));
/** Shared by all: it is never used across an await. */
const schedule = new Int32Array(WORDS);

/**
 * SHA-256 (FIPS 180-4) where nothing else can hash synchronously: WebCrypto's `digest` answers with a promise for each hash, which costs a tree of
 * short inputs more than the hashing itself. It hashes public data only, so it need not run in constant time.
 */
export class Sha256 {
  readonly #state = Int32Array.from(initialState);
  readonly #block = new Uint8Array(BLOCK);
  readonly #view = new DataView(this.#block.buffer);
  #filled = 0;
  #length = 0;

  update(bytes: Uint8Array): void {
    this.#length += bytes.length;
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + BLOCK - this.#filled);
      this.#block.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === BLOCK) this.#compress();
    }
  }

  /** The hash; nothing can be added afterwards. */
  digest(): Uint8Array<ArrayBuffer> {
    this.#block[this.#filled] = 0x80;
    this.#block.fill(0, this.#filled + 1);
    if (this.#filled + 9 > BLOCK) {
      this.#compress();
      this.#block.fill(0);
    }
    this.#view.setUint32(BLOCK - 8, Math.floor(this.#length / 2 ** 29));
    this.#view.setUint32(BLOCK - 4, (this.#length * 8) % 2 ** 32);
    this.#compress();
    const hash = new Uint8Array(32);
    const view = new DataView(hash.buffer);
    for (const [at, word] of this.#state.entries()) view.setInt32(at * 4, word);
    return hash;
  }

  #compress(): void {
    const w = schedule;
    for (let t = 0; t < 16; t += 1) w[t] = this.#view.getInt32(t * 4);
    for (let t = 16; t < WORDS; t += 1) {
      const [early, late] = [w[t - 15] ?? 0, w[t - 2] ?? 0];
      const low = ((early >>> 7) | (early << 25)) ^ ((early >>> 18) | (early << 14)) ^ (early >>> 3);
      const high = ((late >>> 17) | (late << 15)) ^ ((late >>> 19) | (late << 13)) ^ (late >>> 10);
      w[t] = (w[t - 16] ?? 0) + low + (w[t - 7] ?? 0) + high;
    }
    const state = this.#state;
    let a = state[0] ?? 0;
    let b = state[1] ?? 0;
    let c = state[2] ?? 0;
    let d = state[3] ?? 0;
    let e = state[4] ?? 0;
    let f = state[5] ?? 0;
    let g = state[6] ?? 0;
    let h = state[7] ?? 0;
    for (let t = 0; t < WORDS; t += 1) {
      const sum1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const one = (h + sum1 + ((e & f) ^ (~e & g)) + (roundConstants[t] ?? 0) + (w[t] ?? 0)) | 0;
      const sum0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const two = (sum0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + one) | 0;
      d = c;
      c = b;
      b = a;
      a = (one + two) | 0;
    }
    state[0] = (state[0] ?? 0) + a;
    state[1] = (state[1] ?? 0) + b;
    state[2] = (state[2] ?? 0) + c;
    state[3] = (state[3] ?? 0) + d;
    state[4] = (state[4] ?? 0) + e;
    state[5] = (state[5] ?? 0) + f;
    state[6] = (state[6] ?? 0) + g;
    state[7] = (state[7] ?? 0) + h;
    this.#filled = 0;
  }
}
