import { Inject, Injectable, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Background } from '@countersign/service-host';
import { ApiKeysStore } from './api-keys.store.js';

/** Milliseconds between two writes of what was used. */
const WRITE_EVERY_MS = 10_000;
const MINUTE_MS = 60_000;
/** Maximum keys whose use is buffered; for others the next use counts. */
const HELD_LIMIT = 100_000;

/** When each key was last used, to the minute: buffered in memory and written periodically, so that no use waits for it. */
@Injectable()
export class ApiKeyUses implements OnModuleInit, BeforeApplicationShutdown {
  #used = new Map<string, Date>();
  /** What has already been written, so that a key costs at most one write per minute. */
  readonly #written = new Map<string, number>();

  constructor(
    @Inject(ApiKeysStore) private readonly store: ApiKeysStore,
    @Inject(Background) private readonly background: Background,
  ) {}

  onModuleInit(): void {
    this.background.repeat({
      name: 'api_key_uses',
      everyMs: WRITE_EVERY_MS,
      run: async () => {
        await this.write();
        return undefined;
      },
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.write().catch(() => undefined);
  }

  note(id: string, at: Date): void {
    const minute = Math.floor(at.getTime() / MINUTE_MS) * MINUTE_MS;
    if ((this.#written.get(id) ?? 0) >= minute || (this.#used.size >= HELD_LIMIT && !this.#used.has(id))) return;
    const known = this.#used.get(id);
    if (known === undefined || known.getTime() < minute) this.#used.set(id, new Date(minute));
  }

  /** Writes the buffer; whatever cannot be written stays in it. */
  async write(): Promise<void> {
    const used = this.#used;
    if (used.size === 0) return;
    this.#used = new Map();
    try {
      await this.store.markUsed(used);
    } catch (error) {
      for (const [id, at] of used) this.note(id, at);
      throw error;
    }
    if (this.#written.size > HELD_LIMIT) this.#written.clear();
    for (const [id, at] of used) this.#written.set(id, at.getTime());
  }
}
