import { type LoggerService } from '@nestjs/common';
import { pino, type Logger } from 'pino';
import { type HostConfiguration } from '../configuration.js';
import { databaseReasonOf } from '../problems/database-fault.js';
import { errorForLog } from '../problems/error-for-log.js';

/** The service's logger: JSON or human-readable lines; authorization headers, assertions and keys are never logged. */
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

/** Nest's own messages through the same logger, its startup messages at debug level. */
export function nestLogger(logger: Logger): LoggerService {
  const write =
    (level: 'debug' | 'warn' | 'error') =>
    (message: unknown, ...rest: unknown[]) => {
      const context = rest.at(-1);
      if (message instanceof Error) logger[level]({ context, err: message }, databaseReasonOf(message).reason);
      else logger[level]({ context }, String(message));
    };
  return {
    log: write('debug'),
    debug: write('debug'),
    verbose: write('debug'),
    warn: write('warn'),
    error: write('error'),
  };
}
