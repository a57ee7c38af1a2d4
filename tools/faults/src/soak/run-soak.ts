import { type StackOptions } from '@countersign/stack';
import { withOwnStack } from '../own-stack.js';
import { Soak, type SoakOptions, type SoakReport } from './soak.js';

/** The outbox forgets what the relay has handed over: the soak is about what must not grow. */
const forgetAtOnce = { OUTBOX_KEEP_HOURS: '0', LOG_LEVEL: 'warn' };

/** Variables of a stack whose stream holds at most this many mebibytes. */
export function soakEnvironment(streamMib: number): NonNullable<StackOptions['environment']> {
  return {
    payments: forgetAtOnce,
    accounts: forgetAtOnce,
    audit: { ...forgetAtOnce, STREAM_MAX_MIB: String(streamMib) },
  };
}

/** Starts a separate stack in a temporary folder, and sends the events through it. @param print takes a line for each step */
export function runSoak(options: SoakOptions, print: (line: string) => void): Promise<SoakReport> {
  return withOwnStack({ environment: soakEnvironment(options.streamMib) }, (stack) =>
    new Soak(stack, options, print).run(),
  );
}
