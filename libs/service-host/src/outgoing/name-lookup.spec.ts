import { createSocket, type Socket } from 'node:dgram';
import { askNameServers } from './name-lookup.js';

/** A name server that knows `well.example` only (1.1.1.1) and is silent about all others (RFC 1035, section 4). */
async function startNameServer(): Promise<{
  readonly socket: Socket;
  readonly address: string;
  readonly asked: string[];
}> {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  socket.on('message', (query, { port, address }) => {
    const end = query.indexOf(0, 12) + 5;
    const name = query.toString('latin1', 13, query.indexOf(0, 12)).replace(/[^a-z]/g, '.');
    const isFour = query.readUInt16BE(end - 4) === 1;
    asked.push(name);
    if (name !== 'well.example') return;
    const header = Buffer.from(query.subarray(0, 12));
    header.writeUInt16BE(0x8180, 2);
    header.writeUInt16BE(isFour ? 1 : 0, 6);
    header.fill(0, 8);
    const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 1, 1, 1, 1]);
    socket.send(Buffer.concat([header, query.subarray(12, end), ...(isFour ? [record] : [])]), port, address);
  });
  await new Promise<void>((resolve) => {
    socket.bind(0, '127.0.0.1', resolve);
  });
  return { socket, address: `127.0.0.1:${String(socket.address().port)}`, asked };
}

describe('a name that is looked up', () => {
  it('waits for no other, however many have name servers that are silent', async () => {
    const server = await startNameServer();
    const ask = askNameServers([server.address]);
    const silent = Array.from({ length: 50 }, (_, index) =>
      ask(`${'x'.repeat(index + 1)}.silent.example`).then(
        () => 'found',
        () => 'not found',
      ),
    );
    expect(await ask('well.example')).toEqual([{ address: '1.1.1.1', family: 4 }]);
    // All of them were asked about, and none has ended yet.
    expect(await Promise.race([...silent, Promise.resolve('none has ended')])).toBe('none has ended');
    expect(new Set(await Promise.all(silent))).toEqual(new Set(['not found']));
    expect(new Set(server.asked).size).toBe(51);
    server.socket.close();
  });
});
