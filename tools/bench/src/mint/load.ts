// A child process of the mint benchmark: asks a token endpoint for tokens, each with its own assertion or proof, signed beforehand.
import { connect } from 'node:net';
import { AnswerReader, isToken, refreshTokenIn } from './answers.js';
import { loadOrderSchema, type LoadOrder, type LoadReport } from './load-order.js';
import { tokenRequestsOf } from './token-requests.js';

function run(order: LoadOrder): Promise<LoadReport> {
  const { keepsAnswers = false } = order;
  const requests = tokenRequestsOf(order);
  const answers: Buffer[] = [];
  const times = new Float64Array(requests.length);
  let [begunCount, count] = [0, 0];
  let failed = '';
  const begun = performance.now();
  const cpu = process.cpuUsage();
  const worker = (): Promise<void> =>
    new Promise((resolve, reject) => {
      let [sent, asked] = [0, 0];
      const reader = new AnswerReader();
      const onread = {
        buffer: Buffer.allocUnsafe(16_384),
        // `true` reads on.
        callback: (length: number, memory: Uint8Array): boolean => {
          const answer = reader.take(memory, length);
          if (answer === undefined) return true;
          times[count] = performance.now() - sent;
          count += 1;
          if (!isToken(answer)) failed ||= answer.toString('latin1');
          if (keepsAnswers) answers[asked] = Buffer.from(answer);
          next();
          return true;
        },
      };
      const socket = connect({ port: order.port, host: '127.0.0.1', noDelay: true, onread });
      const next = (): void => {
        asked = begunCount;
        begunCount += 1;
        const request = requests[asked];
        if (request === undefined) {
          socket.end();
          resolve();
          return;
        }
        sent = performance.now();
        socket.write(request);
      };
      socket.on('connect', next).on('error', reject);
      socket.on('close', () => {
        reject(new Error('the server closed the connection'));
      });
    });
  return Promise.all(Array.from({ length: order.connections }, worker)).then(() => {
    const seconds = (performance.now() - begun) / 1_000;
    const { user, system } = process.cpuUsage(cpu);
    times.sort();
    const at = (share: number): number => times[Math.min(count - 1, Math.floor(count * share))] ?? 0;
    return {
      ...{ perSecond: count / seconds, p50: at(0.5), p99: at(0.99), cpuSeconds: (user + system) / 1e6, failed },
      refreshTokens: answers.flatMap(refreshTokenIn),
    };
  });
}

process.on('message', (message) => {
  void run(loadOrderSchema.parse(message)).then((report) => process.send?.(report));
});
