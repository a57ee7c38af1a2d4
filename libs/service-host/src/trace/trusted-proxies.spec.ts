import { Controller, Get, Module } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { hostVariables } from '../configuration.js';
import { ConfigurationError, loadConfiguration } from '../load-configuration.js';
import { Unrecorded } from '../trail/recorded-answers.guard.js';
import { Trace, type RequestTrace } from './request-trace.js';
import { createService } from '../start/start-service.js';

@Unrecorded("shows nobody's data")
@Controller()
class Peers {
  @Get('peer')
  read(@Trace() { peer }: RequestTrace): { peer: string } {
    return { peer };
  }
}

@Module({ controllers: [Peers] })
class PeersModule {}

const load = (proxies: string) => loadConfiguration(hostVariables, { PORT: '0', TRUSTED_PROXIES: proxies });

/** What a service takes for its caller's address, for each value of `X-Forwarded-For`. */
async function peersBehind(proxies: string, forwarded: readonly string[]): Promise<readonly unknown[]> {
  const configuration = { ...load(proxies), LOG_LEVEL: 'silent' as const };
  const app: NestFastifyApplication = await createService({ name: 'peers', configuration, module: PeersModule });
  await app.listen(0, '127.0.0.1');
  try {
    const peers: unknown[] = [];
    for (const value of forwarded) {
      const answer = await fetch(`${await app.getUrl()}/peer`, { headers: { 'x-forwarded-for': value } });
      peers.push(Object(await answer.json())['peer']);
    }
    return peers;
  } finally {
    await app.close();
  }
}

describe('the address of a caller', () => {
  it('is that of the connection, whatever X-Forwarded-For says, unless a trusted proxy says it', async () => {
    expect(await peersBehind('', ['203.0.113.7'])).toEqual(['127.0.0.1']);
    expect(await peersBehind('10.0.0.0/8', ['203.0.113.7'])).toEqual(['127.0.0.1']);
  });

  it('behind trusted proxies is the last address that is not one of them; earlier ones, written by a caller, are ignored', async () => {
    const forwarded = ['203.0.113.7', '1.2.3.4, 203.0.113.7, 10.1.2.3', '2001:db8::7', 'not an address', "' or 1=1"];
    expect(await peersBehind('127.0.0.1, 10.0.0.0/8', forwarded)).toEqual([
      '203.0.113.7',
      '203.0.113.7',
      '2001:db8::7',
      '127.0.0.1',
      '127.0.0.1',
    ]);
  });
});

describe('an entry of X-Forwarded-For with a port', () => {
  it("names its caller and its proxies all the same; an odd one is the nearest proxy's", async () => {
    const forwarded = ['203.0.113.7:5123', '203.0.113.7:5123, 10.1.2.3:443', '[2001:db8::7]:5123', 'odd, 10.1.2.3:443'];
    expect(await peersBehind('127.0.0.1, 10.0.0.0/8', forwarded)).toEqual([
      '203.0.113.7',
      '203.0.113.7',
      '2001:db8::7',
      '10.1.2.3',
    ]);
  });
});

describe('TRUSTED_PROXIES', () => {
  it('takes addresses and networks', () => {
    expect(load(' 10.0.0.0/8,::1 ,192.0.2.1,2001:db8::/32').TRUSTED_PROXIES).toEqual([
      '10.0.0.0/8',
      '::1',
      '192.0.2.1',
      '2001:db8::/32',
    ]);
    expect(loadConfiguration(hostVariables, { PORT: '0' }).TRUSTED_PROXIES).toEqual([]);
  });

  it.each(['loopback', '10.0.0.0/33', '10.0.0', '::1/129', '10.0.0.0/8/8', '10.0.0.0/', '0.0.0.0/0', '10.0.0.1 ::1'])(
    'refuses %s at startup, and names the variable',
    (proxies) => {
      expect(() => load(proxies)).toThrow(ConfigurationError);
      expect(() => load(proxies)).toThrow(/TRUSTED_PROXIES/);
    },
  );
});
