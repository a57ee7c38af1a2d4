import { readFileSync } from 'node:fs';
import { isPlainHttp, messageOf } from '@countersign/auth-core';
import { z } from 'zod';

/** Thrown at startup when the environment does not describe a runnable service; the message names every faulty variable. */
export class ConfigurationError extends Error {
  readonly code = 'CONFIGURATION_INVALID';
  constructor(readonly problems: readonly string[]) {
    super(`The configuration is invalid:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigurationError';
  }
}

function valueOf(name: string, environment: NodeJS.ProcessEnv, problems: string[]): string | undefined {
  const direct = environment[name];
  const path = environment[`${name}_FILE`];
  if (path === undefined || path === '') return direct === '' ? undefined : direct;
  if (direct !== undefined && direct !== '') {
    problems.push(`${name} and ${name}_FILE are both set; keep one`);
    return undefined;
  }
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    problems.push(`${name}_FILE: ${messageOf(error)}`);
    return undefined;
  }
}

/**
 * The current value of a secret: one from a file may have been rotated since startup.
 * @returns undefined when both the variable and its file are gone
 */
export function secretOf(name: string, environment: NodeJS.ProcessEnv = process.env): string | undefined {
  return valueOf(name, environment, []);
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Checks that no single variable can make. */
function contradictions(values: Readonly<Record<string, unknown>>): readonly string[] {
  const problems: string[] = [];
  for (const [name, value] of Object.entries(values)) {
    if (!name.endsWith('_URL') || name === 'RESOURCE_URL' || !textOf(value).startsWith('http://')) continue;
    if (values['ALLOW_PLAIN_HTTP'] === true || !isPlainHttp(textOf(value))) continue;
    problems.push(
      `${name}: plain http to another machine can be read and altered in transit; use https, or set ALLOW_PLAIN_HTTP=true on a private network`,
    );
  }
  if (values['DATABASE_TLS'] === 'require') {
    for (const name of ['DATABASE_URL', 'MIGRATION_DATABASE_URL'])
      if (/[?&](sslmode=(disable|allow|prefer|no-verify)|ssl=(0|false))(&|$)/.test(textOf(values[name])))
        problems.push(`${name}: its sslmode contradicts DATABASE_TLS=require; remove one of them`);
  }
  if (values['NATS_TLS'] === 'server' && /(^|,)\s*tls:/.test(textOf(values['NATS_URL'])))
    problems.push('NATS_URL: tls:// does not enforce TLS; set NATS_TLS=require');
  if (values['NATS_PASSWORD'] !== undefined && values['NATS_USER'] === undefined)
    problems.push('NATS_USER must be set when NATS_PASSWORD is');
  return problems;
}

/**
 * Reads the variables named by a zod shape from the environment.
 * Any variable `NAME` may instead be given as `NAME_FILE`, the path of a file whose trimmed content is the value.
 *
 * @param shape variable names and their schemas (units are in each variable's comment)
 * @param environment defaults to `process.env`
 * @param contradictionsOf lists contradictions between valid values; each sentence begins with a variable's name and repeats no secret
 * @returns the parsed values
 * @throws {ConfigurationError} naming every variable that is missing or wrong; values are never repeated in it
 */
export function loadConfiguration<Shape extends z.ZodRawShape>(
  shape: Shape,
  environment: NodeJS.ProcessEnv = process.env,
  contradictionsOf: (values: z.infer<z.ZodObject<Shape>>) => readonly string[] = () => [],
): z.infer<z.ZodObject<Shape>> {
  const problems: string[] = [];
  const values = Object.fromEntries(Object.keys(shape).map((name) => [name, valueOf(name, environment, problems)]));
  const parsed = z.object(shape).safeParse(values);
  if (parsed.success) problems.push(...contradictions(parsed.data), ...contradictionsOf(parsed.data));
  if (parsed.success && problems.length === 0) return parsed.data;
  for (const issue of parsed.error?.issues ?? []) {
    const name = issue.path.map(String).join('.');
    if (problems.some((problem) => problem.startsWith(name))) continue;
    problems.push(values[name] === undefined ? `${name} is not set` : `${name}: ${issue.message}`);
  }
  throw new ConfigurationError(problems);
}
