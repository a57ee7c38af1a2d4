import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isObject } from '../json-object.js';
import { quiet, type Timer } from '../quiet-timer.js';
import { WarnedReports, type SentReport } from './report-to-issuer.js';
import { type ApiKeyUsageReport } from './usage.js';

/** Maximum files that wait for the issuer: a few hours of its absence. Further counts wait in memory. */
const FILES_LIMIT = 10_000;
/** Milliseconds before a failed report is sent again. */
const AGAIN_MS = 5_000;
const ENDING = '.json';
/** The suffix for a report that the issuer refused, and how many of them are kept: a sample for people to examine. */
const REFUSED = '.refused';
const REFUSED_LIMIT = 1_000;

function isReport(value: unknown): value is SentReport {
  return (
    isObject(value) &&
    typeof value['id'] === 'string' &&
    Array.isArray(value['uses']) &&
    Array.isArray(value['networks'])
  );
}

/**
 * Keeps reports on API keys as files until the issuer has them, for a service without a database: a crash loses only what was not written yet, and
 * the next start sends the rest. Processes may share a folder: a report that two of them send counts once. One that the issuer refuses is set aside
 * under the ending `.refused`, the first thousand of them, with a warning of the process (`COUNTERSIGN_API_KEY_REPORT`).
 */
export class UsageFolder {
  #sending: Promise<void> | undefined;
  #again: Timer | undefined;
  #waiting = 0;
  readonly #reports: WarnedReports;

  /**
   * @param folder created when missing
   * @param send throws {@link ReportRefused} when the issuer refuses the report, something else when it did not arrive
   */
  constructor(
    private readonly folder: string,
    send: (reports: readonly SentReport[]) => Promise<void>,
  ) {
    this.#reports = new WarnedReports(send, `such reports are kept in ${folder} in files ending in ${REFUSED}`);
  }

  /** Creates the folder, and starts sending what an earlier process left. @throws when the folder cannot be created or read */
  async open(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    this.#waiting = (await this.#names()).length;
    void this.sendAll();
  }

  /** Writes a report to disk, and starts sending it. @throws when it could not be written: then the caller must keep the counts */
  async keep(report: ApiKeyUsageReport): Promise<void> {
    if (this.#waiting >= FILES_LIMIT) throw new Error(`${this.folder} already holds ${String(FILES_LIMIT)} reports`);
    const id = randomUUID();
    const path = join(this.folder, id + ENDING);
    const file = await open(`${path}.part`, 'wx', 0o600);
    try {
      await file.writeFile(JSON.stringify({ ...report, id }));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.part`, path);
    this.#waiting += 1;
    void this.sendAll();
  }

  /** Sends everything in the folder; failed reports are retried later. One run at a time. */
  sendAll(): Promise<void> {
    this.#sending ??= this.#sendAll()
      .catch(() => {
        clearTimeout(this.#again);
        this.#again = quiet(setTimeout(() => void this.sendAll(), AGAIN_MS));
      })
      .finally(() => {
        this.#sending = undefined;
      });
    return this.#sending;
  }

  /** Tries once to send the rest; what does not arrive stays on disk. */
  async close(): Promise<void> {
    await this.sendAll();
    clearTimeout(this.#again);
  }

  async #sendAll(): Promise<void> {
    for (let names = await this.#names(); names.length > 0; names = await this.#names()) {
      this.#waiting = names.length;
      for (const name of names) await this.#sendOne(join(this.folder, name));
    }
    this.#waiting = 0;
  }

  async #sendOne(path: string): Promise<void> {
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      // Another process got there first.
      if (isObject(error) && error['code'] === 'ENOENT') return undefined;
      throw error;
    });
    if (text === undefined) return;
    const report = reportOf(text);
    if (report === undefined) return rename(path, `${path}.unreadable`);
    const isTaken = await this.#reports.take(report);
    if (!isTaken && (await this.#countOf(REFUSED)) < REFUSED_LIMIT) return rename(path, path + REFUSED);
    await rm(path, { force: true });
  }

  async #countOf(ending: string): Promise<number> {
    return (await readdir(this.folder)).filter((name) => name.endsWith(ending)).length;
  }

  async #names(): Promise<readonly string[]> {
    return (await readdir(this.folder)).filter((name) => name.endsWith(ENDING));
  }
}

function reportOf(text: string): SentReport | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isReport(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
