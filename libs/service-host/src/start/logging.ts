import { type LoggerService } from '@nestjs/common';
import { pino, type Logger } from 'pino';
import { type HostConfiguration } from '../configuration.js';

/** Drizzle's error repeats a statement's parameters at the end of its message; they may be anybody's data. PostgreSQL's `detail` repeats rows. */
const PARAMETERS = '\nparams: ';

function withoutParameters(message: string): string {
  const from = message.startsWith('Failed query: ') ? message.indexOf(PARAMETERS) : -1;
  return from === -1 ? message : message.slice(0, from);
}

const KEPT_OF_ERRORS = ['code', 'severity', 'schema', 'table', 'column', 'constraint', 'routine'] as const;

/** An error for the log, its causes below it: what failed and where, never the values it failed with. */
export function errorForLog(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return error;
  const kept = KEPT_OF_ERRORS.flatMap((name) => {
    const value: unknown = Reflect.get(error, name);
    return typeof value === 'string' ? [[name, value] as const] : [];
  });
  const message = withoutParameters(error.message);
  return {
    type: error.name,
    message,
    stack: error.stack?.replace(error.message, () => message),
    ...Object.fromEntries(kept),
    ...(error instanceof AggregateError && depth <= 4
      ? { errors: error.errors.map((one: unknown) => errorForLog(one, depth + 1)) }
      : {}),
    ...(error.cause === undefined || depth > 4 ? {} : { cause: errorForLog(error.cause, depth + 1) }),
  };
}

/** The service's logger: JSON lines, or readable ones; authorization headers, assertions and keys never reach a line. */
export function createLogger(name: string, configuration: Pick<HostConfiguration, 'LOG_LEVEL' | 'LOG_FORMAT'>): Logger {
  return pino({
    name,
    level: configuration.LOG_LEVEL,
    base: { service: name },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: (error: unknown) => errorForLog(error) },
    redact: {
      paths: [
        'authorization',
        '*.authorization',
        'req.headers.authorization',
        '*.client_assertion',
        '*.subject_token',
        '*.access_token',
        '*.api_key',
        '*["x-api-key"]',
        'req.headers["x-api-key"]',
        '*.password',
      ],
      censor: '[redacted]',
    },
    ...(configuration.LOG_FORMAT === 'pretty'
      ? {
          transport: {
            target: 'pino-pretty',
            options: { translateTime: 'HH:MM:ss.l', ignore: 'pid,hostname,service' },
          },
        }
      : {}),
  });
}

/** Nest's own messages through the same logger, its start-up chatter at debug level. */
export function nestLogger(logger: Logger): LoggerService {
  const write =
    (level: 'debug' | 'warn' | 'error') =>
    (message: unknown, ...rest: unknown[]) => {
      logger[level]({ context: rest.at(-1) }, String(message));
    };
  return {
    log: write('debug'),
    debug: write('debug'),
    verbose: write('debug'),
    warn: write('warn'),
    error: write('error'),
  };
}
