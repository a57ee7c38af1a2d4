import { type LoggerService } from '@nestjs/common';
import { pino, type Logger } from 'pino';
import { type HostConfiguration } from './configuration.js';

/** The service's logger: JSON lines, or readable ones; authorization headers, assertions and keys never reach a line. */
export function createLogger(name: string, configuration: Pick<HostConfiguration, 'LOG_LEVEL' | 'LOG_FORMAT'>): Logger {
  return pino({
    name,
    level: configuration.LOG_LEVEL,
    base: { service: name },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: [
        'authorization',
        '*.authorization',
        'req.headers.authorization',
        '*.client_assertion',
        '*.subject_token',
        '*.access_token',
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
