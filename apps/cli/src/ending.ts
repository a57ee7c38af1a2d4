import { ExitCode } from './cli-error.js';

/** What of a process its end has to do with. */
type Process = Pick<NodeJS.Process, 'once' | 'exit' | 'stdout' | 'stderr'>;

/** Exit codes of a process that a signal has ended, as shells report it: 128 and the signal's number. */
const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Ends the process silently, as a person at a terminal expects: on Ctrl-C, and when the reader of its output closes the pipe (`| head`).
 * Files that are half written are taken away on its way out.
 */
export function endQuietly(process: Process): void {
  for (const [signal, code] of Object.entries(signals)) process.once(signal, () => process.exit(code));
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(ExitCode.ok);
    process.stderr.write(`error: the output cannot be written: ${error.message}\n`);
    process.exit(ExitCode.usage);
  });
  // Nobody reads the output any longer; the exit code still says how it ended.
  process.stderr.on('error', () => undefined);
}
