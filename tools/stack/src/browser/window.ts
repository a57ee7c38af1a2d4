import { setTimeout as delay } from 'node:timers/promises';
import {
  type Browser,
  type BrowserContext,
  type Locator,
  type Page,
  type Request,
  type Response,
} from 'playwright-core';
import { accessibilityFaults } from './accessibility.js';
import { WAIT_MS } from './soon.js';

/** What a browser reported of one page. */
export interface Complaint {
  readonly page: string;
  readonly what: string;
}

/** Presses of the tabulator key that one page may need. */
const TABS = 60;

/** A file whose name has a hash of its content: what it says is kept once. */
const UNCHANGING = /\/assets\/[^/]+-[\w-]{8}\.\w+$/;
const keptOnce = new Set<string>();

const withoutQuery = (url: string): string => url.replace(/[?#].*$/, '');

/** One person's browser window: every page that it shows is checked by axe, and what the browser complains of is kept. */
export class Window {
  /** Accessibility faults, refusals by a content security policy, and errors. */
  readonly complaints: Complaint[] = [];
  /** The addresses, without their query, of the pages that were checked. */
  readonly checked = new Set<string>();
  /** Everything that the servers sent: bodies, headers and addresses. */
  readonly received: string[] = [];
  private readonly reading: Promise<void>[] = [];
  private readonly awaited = new Set<Request>();
  private constructor(
    readonly context: BrowserContext,
    readonly page: Page,
  ) {}

  static async open(browser: Browser): Promise<Window> {
    const context = await browser.newContext();
    context.setDefaultTimeout(WAIT_MS);
    const window = new Window(context, await context.newPage());
    // From inside: a page that redirects immediately is gone before its answer's body could be asked for.
    await context.exposeBinding('keepPage', (_source, text: string) => window.received.push(text));
    await context.addInitScript({
      content: "addEventListener('DOMContentLoaded', () => void keepPage(document.documentElement.outerHTML))",
    });
    window.listen();
    return window;
  }

  private listen(): void {
    const { page } = this;
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.complain(message.text());
    });
    page.on('pageerror', (error) => {
      this.complain(String(error));
    });
    page.on('dialog', (dialog) => {
      this.complain(`a script opened a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      if (request.isNavigationRequest()) {
        // What the page before this one asked for may stay without an end.
        const before = [...this.awaited];
        page.once('domcontentloaded', () => {
          for (const asked of before) this.awaited.delete(asked);
        });
      }
      this.awaited.add(request);
      const own = new URL(page.url()).origin;
      const asked = new URL(request.url());
      if (!request.isNavigationRequest() && asked.protocol.startsWith('http') && asked.origin !== own)
        this.complain(`a request to another host: ${asked.origin}`);
    });
    const isAnswered = (request: Request): void => {
      this.awaited.delete(request);
    };
    page.on('requestfinished', isAnswered);
    page.on('requestfailed', isAnswered);
    page.on('response', (response) => {
      this.received.push(response.url());
      this.reading.push(this.keep(response));
    });
  }

  /** A redirect has no body, and an abandoned page may have lost its own. */
  private async keep(response: Response): Promise<void> {
    const url = response.url();
    if (keptOnce.has(url)) return;
    const [headers, body] = await Promise.allSettled([response.allHeaders(), response.text()]);
    if (headers.status === 'fulfilled') this.received.push(JSON.stringify(headers.value));
    if (body.status !== 'fulfilled') return;
    this.received.push(body.value);
    if (UNCHANGING.test(url)) keptOnce.add(url);
  }

  private complain(what: string): void {
    this.complaints.push({ page: withoutQuery(this.page.url()), what });
  }

  /** Takes back what a test provokes. @returns how many complaints that were */
  forgive(what: RegExp): number {
    const kept = this.complaints.filter((complaint) => !what.test(complaint.what));
    return this.complaints.splice(0, this.complaints.length, ...kept).length - kept.length;
  }

  /** Waits until a page with this heading is there that was not seen before, and runs axe on it. */
  async see(heading: string | RegExp): Promise<void> {
    const { page } = this;
    const title = page.getByRole('heading', { level: 1, name: heading }).and(page.locator('h1:not([data-seen])'));
    try {
      await title.waitFor();
    } catch (error) {
      throw new Error(`${withoutQuery(page.url())} shows:\n${await this.text()}`, { cause: error });
    }
    await this.check();
    // A press of a button on this page must not be answered by this page.
    await title.evaluate((element) => {
      element.setAttribute('data-seen', '');
    });
  }

  /** Runs axe on what the page shows now, unless it checked exactly the same before: it only sees the document and its styles. */
  async check(): Promise<void> {
    const { page } = this;
    await page.waitForLoadState('load');
    this.checked.add(withoutQuery(page.url()));
    for (const fault of await accessibilityFaults(page)) this.complain(fault);
  }

  async goto(url: string): Promise<void> {
    await this.page.goto(url);
  }

  /** With the mouse. */
  async click(role: 'link' | 'button', name: string | RegExp): Promise<void> {
    await this.page.getByRole(role, { name }).first().click();
  }

  /**
   * With the keyboard: the tabulator key until the element has the focus, then Enter.
   * @throws when the key does not get there
   */
  async press(role: 'link' | 'button', name: string | RegExp): Promise<void> {
    await this.tabTo(this.page.getByRole(role, { name }).first());
    await this.page.keyboard.press('Enter');
  }

  /** Presses the tabulator key until an element has the focus, which must be visible. @throws when the key does not get there */
  async tabTo(wanted: Locator): Promise<void> {
    await wanted.waitFor();
    let place = await wanted.elementHandle();
    const hasFocus = (): Promise<boolean | undefined> =>
      place.evaluate((element) => (element.isConnected ? element === element.ownerDocument.activeElement : undefined));
    for (let tabs = 0; tabs < TABS; tabs += 1) {
      await this.page.keyboard.press('Tab');
      let isThere = await hasFocus();
      // To find it by its role and name reads the whole page: only when it was drawn again.
      if (isThere === undefined) {
        place = await wanted.elementHandle();
        isThere = await hasFocus();
      }
      if (isThere !== true) continue;
      const outline = await place.evaluate((element) => {
        const { outlineStyle, outlineWidth } = element.ownerDocument.defaultView?.getComputedStyle(element) ?? {};
        return `${outlineStyle ?? ''} ${outlineWidth ?? ''}`;
      });
      if (!/^(?!none)\w+ [1-9]/.test(outline)) this.complain(`no visible focus on ${String(wanted)}: ${outline}`);
      return;
    }
    throw new Error(`${String(TABS)} tabs did not reach ${String(wanted)} of ${this.page.url()}`);
  }

  /** Waits until the page has every answer that it asked for, and shows them: what is not there now does not come. */
  async settle(): Promise<void> {
    for (const end = performance.now() + WAIT_MS; ;) {
      await this.page.evaluate('new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown)))');
      if (this.awaited.size === 0) return;
      if (performance.now() > end)
        throw new Error(`no answer: ${[...this.awaited].map((asked) => asked.url()).join(', ')}`);
      await delay(20);
    }
  }

  async text(): Promise<string> {
    return this.page.locator('body').innerText();
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.reading);
    await this.context.close();
  }
}
