import { ExitCode } from './cli-error.js';

/** The parts of a process that its ending uses. */
type Process = Pick<NodeJS.Process, 'once' | 'exit' | 'stdout' | 'stderr'>;

/** Exit codes of a process ended by a signal, as shells report it: 128 plus the signal's number. */
const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Ends the process silently, as a person at a terminal expects: on Ctrl-C, and when the reader of its output closes the pipe (`| head`).
 * Half-written files are removed first.
 */
export function endQuietly(process: Process): void {
  for (const [signal, code] of Object.entries(signals)) process.once(signal, () => process.exit(code));
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(ExitCode.ok);
    process.stderr.write(`error: the output cannot be written: ${error.message}\n`);
    process.exit(ExitCode.usage);
  });
  // Nobody reads the output any more; the exit code still reports the outcome.
  process.stderr.on('error', () => undefined);
}
