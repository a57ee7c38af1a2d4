import { collect, inMemory } from './save-stream.js';

const part = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(length).fill(65);

/** A stream of parts, and whether it was given up. */
function streamOf(parts: readonly (Uint8Array<ArrayBuffer> | Error)[]) {
  const left = [...parts];
  const state = { pulled: 0, cancelled: false };
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      pull(controller) {
        const next = left.shift();
        state.pulled += 1;
        if (next === undefined) controller.close();
        else if (next instanceof Error) controller.error(next);
        else controller.enqueue(next);
      },
      cancel() {
        state.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, state };
}

describe('saving an export', () => {
  it('puts the parts together in their order, and says how much there is', async () => {
    const seen: number[] = [];
    const file = await collect(streamOf([part(3), part(4)]).stream, inMemory(), 'text/csv', (bytes) =>
      seen.push(bytes),
    );
    if (!(file instanceof Blob)) throw new Error(file);
    expect([await file.text(), file.type, seen]).toEqual(['AAAAAAA', 'text/csv', [3, 7]]);
  });

  it('stops reading where no more fits, and gives the stream up', async () => {
    const { stream, state } = streamOf([part(4), part(4), part(4), part(4)]);
    expect(await collect(stream, inMemory(10), 'text/csv', () => undefined)).toBe('full');
    expect(state).toEqual({ pulled: 3, cancelled: true });
  });

  it('gives no file for a stream that was cut off', async () => {
    const { stream } = streamOf([part(4), new Error('the connection was lost')]);
    expect(await collect(stream, inMemory(), 'text/csv', () => undefined)).toBe('cut-off');
  });

  it('waits for the disk before it reads on', async () => {
    const { stream, state } = streamOf([part(1), part(1), part(1)]);
    const writes: (() => void)[] = [];
    const slow = {
      ...inMemory(),
      write: () =>
        new Promise<boolean>((done) =>
          writes.push(() => {
            done(true);
          }),
        ),
    };
    const ended = collect(stream, slow, 'text/csv', () => undefined);
    await new Promise((done) => setImmediate(done));
    expect([writes.length, state.pulled]).toEqual([1, 1]);
    for (let at = 0; at < 3; at += 1) {
      writes.shift()?.();
      await new Promise((done) => setImmediate(done));
    }
    expect(await ended).toBeInstanceOf(Blob);
  });
});
