import { spawn } from 'node:child_process';
import { Socket } from 'node:net';

/** What happens to a process once this one has ended. */
export interface EndsWithUs {
  readonly signal: NodeJS.Signals;
  /** Folders that are removed after it. */
  readonly removes?: readonly string[];
}

/** Its input ends when we do. A process that does not end on its signal keeps its folders for ten seconds. */
const WATCH = `
read -r nothing
signal=$1 pid=$2
shift 2
kill -s "$signal" "$pid" 2>/dev/null
waited=0
while kill -0 "$pid" 2>/dev/null && [ "$waited" -lt 100 ]; do
  sleep 0.1
  waited=$((waited + 1))
done
rm -rf -- "$@"`;

/**
 * Ends a process when this one ends, by a shell that waits for it. `process.on('exit')` would not work: nothing runs after SIGKILL, and the copy of
 * `process` that Jest gives to specs gets no `exit` event.
 * @returns stops watching
 */
export function endWithUs(pid: number, { signal, removes = [] }: EndsWithUs): () => void {
  const args = ['-c', WATCH, 'sh', signal.replace(/^SIG/, ''), String(pid), ...removes];
  const watcher = spawn('/bin/sh', args, { stdio: ['pipe', 'ignore', 'ignore'], detached: true, cwd: '/' });
  watcher.unref();
  if (watcher.stdin instanceof Socket) watcher.stdin.unref();
  return () => {
    watcher.kill('SIGKILL');
  };
}
