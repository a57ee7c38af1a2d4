import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { findChromium } from '@countersign/backing-services';
import { chromium, type Browser } from 'playwright-core';
import { z } from 'zod';
import { corpus } from './corpus.js';
import { outcomeOf } from './outcome.js';

/** Milliseconds: the browser may have to be fetched first, 100 MB, and the machine may be busy. */
const LIMIT = 600_000;

/** The log's browser door and the questions to it, as a script for a page. */
function bundled(): string {
  const [bundler, entry] = ['bundle.mjs', 'outcome.ts'].map((name) => join(import.meta.dirname, name));
  return execFileSync(process.execPath, [bundler ?? '', entry ?? ''], { encoding: 'utf8', maxBuffer: 16 * 1024 ** 2 });
}

describe('the log in a real browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    const { executablePath, env } = findChromium();
    browser = await chromium.launch({ executablePath, env: { ...process.env, ...env } });
  }, LIMIT);
  afterAll(() => browser.close(), 60_000);

  it(
    'comes without Buffer and node modules, and answers every question of the corpus as Node does',
    async () => {
      const script = bundled();
      expect(script.match(/\bBuffer\b|node:|\brequire\(/g)).toBeNull();
      const cases = corpus(60);
      const page = await browser.newPage();
      // Blank pages have no WebCrypto; a page of this machine has.
      await page.route('http://localhost/', (route) =>
        route.fulfill({ contentType: 'text/html', body: '<title>log</title>' }),
      );
      await page.goto('http://localhost/');
      await page.addScriptTag({ content: script });
      const there = z
        .array(z.string())
        .parse(await page.evaluate(`Promise.all(${JSON.stringify(cases)}.map(theLog.outcomeOf))`));
      const here = await Promise.all(cases.map(outcomeOf));
      expect(there).toHaveLength(cases.length);
      for (const [at, one] of cases.entries()) expect([one.kind, there[at]]).toEqual([one.kind, here[at]]);
      // Right and wrong ones are both among them.
      for (const kind of ['inclusion', 'consistency']) {
        const answers = here.filter((_, at) => cases[at]?.kind === kind);
        expect(new Set(answers)).toEqual(new Set(['true', 'false']));
      }
      expect(here.filter((text) => text.startsWith('NoteError'))).not.toEqual([]);
      expect(here.filter((text) => text.startsWith('log.test '))).not.toEqual([]);
      expect(here.filter((text) => text.includes('EVENT_ALTERED'))).not.toEqual([]);
    },
    LIMIT,
  );
});
