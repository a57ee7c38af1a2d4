import { spawn } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { freePort } from '@countersign/backing-services';
import { z } from 'zod';
import { prepared } from './command.js';
import { CannotBeHad, failed, notRun, passed, type Outcome } from './outcome.js';
import { type RunningIssuer } from './issuer.js';

/** The first that has scenarios for authorization servers; the newest stable one, 0.1.16, tests only clients and MCP servers. */
const MCP_CONFORMANCE_VERSION = '0.2.0-alpha.12';
export const MCP_CONFORMANCE = 'MCP conformance runner';
const PACKAGE = '@modelcontextprotocol/conformance';
const LIMIT_MS = 240_000;
/** What its scenarios for authorization servers check. */
const demanded = ['authorization-server-metadata', 'authorization-server-metadata-cimd', 'authorization-code-grant'];
const checksSchema = z.array(
  z.looseObject({ id: z.string(), status: z.string(), errorMessage: z.string().optional() }),
);

/** From npm, once. @throws {CannotBeHad} */
async function program(cache: string): Promise<string> {
  const home = join(cache, `mcp-conformance-${MCP_CONFORMANCE_VERSION}`);
  const file = join(home, 'node_modules', PACKAGE, 'dist', 'index.js');
  if (existsSync(file)) return file;
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--no-package-lock'];
  await prepared('npm', ['install', ...quiet, '--prefix', home, `${PACKAGE}@${MCP_CONFORMANCE_VERSION}`]);
  return file;
}

/** Runs it against our issuer, and is the person in the browser that it asks for. @returns what it printed */
async function drive(file: string, { url, browse, inspector }: RunningIssuer, results: string): Promise<string> {
  const port = await freePort();
  const args = ['authorization', '--url', url, '--client-id', inspector, '--port', String(port), '-o', results];
  const child = spawn(process.execPath, [file, ...args], { timeout: LIMIT_MS, killSignal: 'SIGKILL' });
  let said = '';
  let opened = false;
  const take = (chunk: Buffer): void => {
    said += stripVTControlCharacters(chunk.toString('utf8'));
    const [asked] = /http\S+\/oauth2\/authorize\?\S+(?=\n)/.exec(said) ?? [];
    if (asked === undefined || opened) return;
    opened = true;
    browse(asked, (at) => at.pathname === '/callback' && at.port === String(port)).catch((error: unknown) => {
      said += `\nthe browser: ${String(error)}`;
      child.kill();
    });
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  await new Promise<void>((done, reject) => {
    child.once('close', () => {
      done();
    });
    child.once('error', (error) => {
      reject(new CannotBeHad(error.message));
    });
  });
  return said;
}

/** The runner's scenarios for authorization servers: metadata, and a whole authorization code grant of a public client. */
export async function conformToMcp(cache: string, issuer: RunningIssuer): Promise<Outcome> {
  const named = [MCP_CONFORMANCE, MCP_CONFORMANCE_VERSION] as const;
  try {
    const results = mkdtempSync(join(tmpdir(), 'mcp-conformance-'));
    const said = await drive(await program(cache), issuer, results);
    const checks = globSync('**/checks.json', { cwd: results })
      .flatMap((file) => checksSchema.parse(JSON.parse(readFileSync(join(results, file), 'utf8'))))
      .filter(({ status }) => status !== 'INFO');
    rmSync(results, { recursive: true });
    const bad = checks.filter(({ status }) => status !== 'SUCCESS');
    const seen = checks.map(({ id }) => id);
    const missing = demanded.filter((id) => !seen.includes(id));
    if (bad.length + missing.length === 0) return passed(...named, `for authorization servers: ${seen.join(', ')}`);
    const what = [...bad.map(({ id, status, errorMessage = '' }) => `${id}: ${status} ${errorMessage}`), ...missing];
    return failed(...named, `${what.join('; ')} (${said.trim().split('\n').slice(-3).join(' ')})`);
  } catch (error) {
    if (!(error instanceof CannotBeHad)) throw error;
    return notRun(...named, error.message);
  }
}
