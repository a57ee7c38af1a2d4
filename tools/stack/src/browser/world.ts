import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { it } from '@jest/globals';
import { findChromium, testFolder } from '@countersign/backing-services';
import { chromium, type Browser } from 'playwright-core';
import { freePortBase } from '../free-ports.js';
import { startStack, type Stack } from '../stack.js';
import { Window } from './window.js';

/** Milliseconds that one walk may take. */
export const WALK_LIMIT = 240_000;
/** Milliseconds until walks may begin: the browser may have to be fetched first, 100 MB, and the machine may be busy. */
export const START_LIMIT = 600_000;

const root = resolve(import.meta.dirname, '../../../..');

/** A stack with its demo, and a browser: what all walks of a spec file share, since each start takes ten seconds of processor time. */
export class World {
  /** Every window that was opened. */
  readonly windows: Window[] = [];
  /** Walks that did not come to their end: pages were not met, and what was provoked on the way was not taken back. */
  readonly broken: string[] = [];
  private readonly staying = new Set<Window>();
  private walking: { readonly name: string; readonly complaints: ReadonlyMap<Window, number> } | undefined;

  private constructor(
    readonly directory: string,
    readonly browser: Browser,
    readonly stack: Stack,
  ) {}

  static async start(): Promise<World> {
    const directory = testFolder();
    const { executablePath, env } = findChromium();
    const browser = await chromium.launch({ executablePath, env: { ...process.env, ...env } });
    const stack = await startStack({
      root,
      directory,
      portBase: await freePortBase(),
      without: [],
      demo: true,
      fast: true,
      // A basket of groceries costs more.
      environment: { payments: { RECENT_LOGIN_ABOVE: 'EUR:4000' } },
      onStep: () => undefined,
      onLine: () => undefined,
    }).catch(async (error: unknown) => {
      await browser.close();
      throw error;
    });
    return new World(directory, browser, stack);
  }

  /**
   * A window of nobody yet.
   * @param stays whether later walks use it too; false by default
   */
  async open({ stays = false }: { readonly stays?: boolean } = {}): Promise<Window> {
    const window = await Window.open(this.browser);
    this.windows.push(window);
    if (stays) this.staying.add(window);
    return window;
  }

  /** @returns to be called at the walk's end */
  begin(name: string): () => void {
    this.walking = { name, complaints: new Map(this.windows.map((window) => [window, window.complaints.length])) };
    return () => {
      this.walking = undefined;
    };
  }

  /**
   * After a walk: closes the windows that no later walk uses, since a page of the console asks the server again and again. Forgets what
   * browsers complained of in a walk that failed, which is reported already.
   */
  async leave(): Promise<void> {
    if (this.walking !== undefined) {
      const { name, complaints } = this.walking;
      this.broken.push(name);
      for (const window of this.windows) window.complaints.splice(complaints.get(window) ?? 0);
      this.walking = undefined;
    }
    await Promise.all(this.windows.filter((window) => !this.staying.has(window)).map((window) => window.close()));
  }

  async stop(): Promise<void> {
    await Promise.all([this.browser.close(), this.stack.stop()]);
    for (const folder of [this.directory, this.stack.postgres.directory])
      rmSync(folder, { recursive: true, force: true });
  }
}

/** One test of people on their way. @param world where it begins */
export function walk(world: () => Pick<World, 'begin'>, name: string, body: () => Promise<void>): void {
  it(
    name,
    async () => {
      const end = world().begin(name);
      await body();
      end();
    },
    WALK_LIMIT,
  );
}
