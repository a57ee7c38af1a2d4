import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { type PrivateJwk } from '@countersign/auth-core';
import { ConfigurationError } from '@countersign/service-host';

/** Injection token of {@link ConsoleOptions}. */
export const CONSOLE_OPTIONS = Symbol('countersign.audit.console-options');

/** How the console is served, and as which client of the issuer. */
export interface ConsoleOptions {
  /** Its URL for browsers: an origin. */
  readonly origin: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientKey: PrivateJwk;
  /** The scopes that it requests from people at audit. */
  readonly scopes: readonly string[];
  /** 32 bytes, from which the keys that encrypt stored tokens are derived. */
  readonly sessionKey: Buffer;
  readonly idleMs: number;
  readonly lifeMs: number;
  /** The folder of the built pages. */
  readonly directory: string;
}

/** The variables that a console requires. */
export interface ConsoleClient {
  readonly CONSOLE_CLIENT_ID?: string | undefined;
  readonly CONSOLE_URL?: string | undefined;
  readonly CONSOLE_CLIENT_KEY?: PrivateJwk | undefined;
  readonly CONSOLE_SESSION_KEY?: Buffer | undefined;
}

/** The variables that configure it. */
export interface ConsoleConfiguration extends ConsoleClient {
  readonly ISSUER_URL: string;
  readonly CONSOLE_SCOPES: readonly string[];
  readonly CONSOLE_IDLE_MINUTES: number;
  readonly CONSOLE_SESSION_HOURS: number;
  readonly CONSOLE_DIRECTORY?: string | undefined;
}

const builtPages = fileURLToPath(new URL('../../../console/dist', import.meta.url));
const MINUTE = 60_000;

/** What is missing for a configured console: one sentence per variable. */
export function lackingOf({ CONSOLE_CLIENT_ID: clientId, ...values }: ConsoleClient): readonly string[] {
  if (clientId === undefined) return [];
  const needed = ['CONSOLE_URL', 'CONSOLE_CLIENT_KEY', 'CONSOLE_SESSION_KEY'] as const;
  return needed
    .filter((name) => values[name] === undefined)
    .map((name) => `${name} must be set when CONSOLE_CLIENT_ID is`);
}

/** @returns undefined if no console is configured. @throws {ConfigurationError} naming what is missing of one that is */
export function consoleOf(configuration: ConsoleConfiguration): ConsoleOptions | undefined {
  const {
    CONSOLE_CLIENT_ID: clientId,
    CONSOLE_URL: url,
    CONSOLE_CLIENT_KEY: clientKey,
    CONSOLE_SESSION_KEY: sessionKey,
  } = configuration;
  if (clientId === undefined) return undefined;
  if (url === undefined || clientKey === undefined || sessionKey === undefined) {
    throw new ConfigurationError(lackingOf(configuration));
  }
  return {
    origin: new URL(url).origin,
    issuer: configuration.ISSUER_URL,
    clientId,
    clientKey,
    scopes: configuration.CONSOLE_SCOPES,
    sessionKey,
    idleMs: configuration.CONSOLE_IDLE_MINUTES * MINUTE,
    lifeMs: configuration.CONSOLE_SESSION_HOURS * 60 * MINUTE,
    directory: configuration.CONSOLE_DIRECTORY ?? builtPages,
  };
}

/** A new secret: 256 random bits. */
export const newSecret = (): string => randomBytes(32).toString('base64url');
