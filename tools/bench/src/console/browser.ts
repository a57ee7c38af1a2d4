import { findChromium } from '@countersign/backing-services';
import { type Stack } from '@countersign/stack';
import { chromium, type Browser, type Page } from 'playwright-core';

/** In the page: when its first event was drawn, and its counts, in milliseconds since the navigation began. */
const watch = `new MutationObserver((_, observer) => {
  const draws = (name) => requestAnimationFrame(() => { globalThis[name] ??= performance.now(); });
  if (document.querySelector('[data-row] a') !== null) draws('firstRow');
  if (document.querySelector('[role=slider]') === null) return;
  draws('firstCounts');
  if (globalThis.firstRow !== undefined) observer.disconnect();
}).observe(document, { childList: true, subtree: true });`;
const twoFrames = 'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))';

/** What somebody with nothing in the browser waits for. Milliseconds. */
export interface ColdStart {
  readonly firstRow: number;
  readonly firstCounts: number;
}

/** A signed-in auditor's browser. */
export class ConsoleBrowser {
  private constructor(
    private readonly browser: Browser,
    private readonly page: Page,
    private readonly url: string,
  ) {}

  static async open({ urls }: Stack): Promise<ConsoleBrowser> {
    const { executablePath, env } = findChromium();
    const browser = await chromium.launch({ executablePath, env: { ...process.env, ...env } });
    const page = await (await browser.newContext()).newPage();
    await page.goto(urls.audit);
    await page.getByRole('link', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: /Amina Rahal/ }).click();
    await page.locator('[data-row] a').first().waitFor();
    return new ConsoleBrowser(browser, page, urls.audit);
  }

  async coldStart(): Promise<ColdStart> {
    const context = await this.browser.newContext({ storageState: await this.page.context().storageState() });
    await context.addInitScript({ content: watch });
    const cold = await context.newPage();
    await cold.goto(this.url);
    await cold.locator('[data-row] a').first().waitFor();
    await cold.getByRole('slider').waitFor();
    await cold.evaluate(twoFrames);
    const times = {
      firstRow: Number(await cold.evaluate('globalThis.firstRow')),
      firstCounts: Number(await cold.evaluate('globalThis.firstCounts')),
    };
    await context.close();
    return times;
  }

  /** @returns milliseconds of each next hundred events, scrolled to the end of the table */
  async pages(count: number): Promise<readonly number[]> {
    await this.page.goto(this.url);
    await this.page.locator('[data-row] a').first().waitFor();
    const times: number[] = [];
    for (let at = 1; at <= count; at += 1) {
      const begun = performance.now();
      await this.page.evaluate(`document.querySelector('[role=table]').scrollTop = 1e9`);
      await this.page.locator(`[data-row="${String(at * 100)}"]`).waitFor({ state: 'attached' });
      times.push(performance.now() - begun);
    }
    return times;
  }

  close(): Promise<void> {
    return this.browser.close();
  }
}
