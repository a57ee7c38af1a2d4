import { exportEndOf, LastLine } from './export-end.js';

/** Maximum bytes held in memory by a browser that cannot write a file to disk while it is downloading. */
const MEMORY_LIMIT = 256 * 1024 ** 2;
const FOLDER = 'exports';

/** How saving ended; `partial`: only part of it was saved. */
export type Saved = 'saved' | 'partial' | 'cut-off' | 'too-large' | 'disk-full';

/** Storage for a file until it is complete. */
export interface Place {
  /** @returns false if no more fits */
  write(part: Uint8Array<ArrayBuffer>): Promise<boolean>;
  /** @param type the media type. @returns the whole file */
  finish(type: string): Promise<Blob>;
  discard(): Promise<void>;
}

/** In memory, up to a limit. */
export function inMemory(limit = MEMORY_LIMIT): Place {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  return {
    write(part) {
      bytes += part.length;
      if (bytes <= limit) parts.push(part);
      return Promise.resolve(bytes <= limit);
    },
    finish: (type) => Promise.resolve(new Blob(parts, { type })),
    discard: () => Promise.resolve(void parts.splice(0)),
  };
}

/** On disk, in the browser's private folder for this page's origin. @returns undefined if there is none */
async function onDisk(): Promise<Place | undefined> {
  try {
    const root = await navigator.storage.getDirectory();
    // Left over from an earlier export, whose download has long finished.
    await root.removeEntry(FOLDER, { recursive: true }).catch(() => undefined);
    const folder = await root.getDirectoryHandle(FOLDER, { create: true });
    const file = await folder.getFileHandle(crypto.randomUUID(), { create: true });
    const stream = await file.createWritable();
    return {
      write: async (part) => {
        try {
          await stream.write(part);
          return true;
        } catch {
          return false;
        }
      },
      finish: async (type) => {
        await stream.close();
        const whole = await file.getFile();
        return whole.slice(0, whole.size, type);
      },
      discard: async () => {
        await stream.abort().catch(() => undefined);
        await folder.removeEntry(file.name).catch(() => undefined);
      },
    };
  } catch {
    return undefined;
  }
}

/**
 * Writes a stream to its storage.
 * @param onBytes called with the bytes so far
 * @returns the file, or why there is none
 */
export async function collect(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  place: Place,
  type: string,
  onBytes: (bytes: number) => void,
): Promise<Blob | 'cut-off' | 'full'> {
  const reader = stream.getReader();
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return await place.finish(type);
      bytes += value.length;
      if (!(await place.write(value))) {
        await reader.cancel().catch(() => undefined);
        await place.discard();
        return 'full';
      }
      onBytes(bytes);
    }
  } catch {
    await place.discard();
    return 'cut-off';
  }
}

/** Saves an export as a file while it downloads; on disk, or in memory if the browser has no other storage. */
export async function saveStream(
  response: Response,
  name: string,
  type: string,
  onBytes: (bytes: number) => void,
): Promise<Saved> {
  if (response.body === null) return 'cut-off';
  const disk = await onDisk();
  const place = disk ?? inMemory();
  const last = new LastLine();
  const watched: Place = {
    ...place,
    write: (part) => {
      last.add(part);
      return place.write(part);
    },
  };
  const file = await collect(response.body, watched, type, onBytes);
  if (file === 'cut-off') return file;
  if (file === 'full') return disk === undefined ? 'too-large' : 'disk-full';
  const end = exportEndOf(last.text);
  if (end === 'cut-off') return end;
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => {
    URL.revokeObjectURL(url);
  }, 60_000);
  return end === 'complete' ? 'saved' : end;
}
