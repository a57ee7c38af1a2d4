// A child process of the webhooks benchmark: one merchant that answers immediately, and many that accept and stay silent, each on its own port.
import { createServer, type RequestListener } from 'node:http';
import { type Socket } from 'node:net';
import { z } from 'zod';
import { receiverOrderSchema, type ReceiverMessage } from './receiver-message.js';

const noticeSchema = z.looseObject({ due: z.number() });
const hung = new Set<Socket>();

const tell = (message: ReceiverMessage): void => void process.send?.(message);

function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(`http://127.0.0.1:${String(typeof address === 'object' ? address?.port : '')}/`);
    });
  });
}

const answer: RequestListener = (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const now = Date.now();
    response.writeHead(204).end();
    tell({ lagMs: now - noticeSchema.parse(JSON.parse(Buffer.concat(chunks).toString())).due });
  });
};
const hang: RequestListener = ({ socket }) => {
  hung.add(socket);
  socket.on('error', () => undefined);
};

process.on('message', (message) => {
  receiverOrderSchema.parse(message);
  for (const socket of hung) socket.destroy();
  hung.clear();
});

const count = z.coerce.number().int().parse(process.env['HANGING']);
const [healthy, hanging] = await Promise.all([
  listen(answer),
  Promise.all(Array.from({ length: count }, () => listen(hang))),
]);
tell({ healthy, hanging });
