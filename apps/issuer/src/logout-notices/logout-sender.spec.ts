import { startLogoutReceiver, type LogoutReceiver } from '../testing/logout-receiver.js';
import { createLogoutSender } from './logout-sender.js';

describe('the sender of logout tokens', () => {
  let receiver: LogoutReceiver;
  beforeAll(async () => {
    receiver = await startLogoutReceiver();
  });
  afterAll(() => receiver.close());

  it('posts the token as a form, and accepts 200 and 204', async () => {
    const sender = createLogoutSender('any');
    for (const status of [200, 204]) {
      receiver.answer(status);
      expect(await sender.send(receiver.url, 'a.b.c')).toEqual({ ok: true });
    }
    expect(receiver.tokens).toEqual(['a.b.c', 'a.b.c']);
    await sender.close();
  });

  it('follows no redirect, and reports the response', async () => {
    const sender = createLogoutSender('any');
    for (const status of [302, 400, 500]) {
      receiver.answer(status);
      expect(await sender.send(receiver.url, 't')).toEqual({ ok: false, reason: `HTTP_${String(status)}` });
    }
    await sender.close();
    expect(await createLogoutSender('any').send('http://127.0.0.1:1/', 't')).toMatchObject({ ok: false });
  });

  it.each([
    ['http://app.example/logout', 'URL_NOT_HTTPS'],
    ['https://127.0.0.1/logout', 'ADDRESS_NOT_PUBLIC'],
    ['https://169.254.169.254/latest', 'ADDRESS_NOT_PUBLIC'],
    ['https://[::1]/logout', 'ADDRESS_NOT_PUBLIC'],
    ['https://user:pass@app.example/', 'URL_HAS_CREDENTIALS'],
  ])('connects only to public addresses over https by default: %s', async (url, reason) => {
    const sender = createLogoutSender('public');
    expect(await sender.send(url, 't')).toEqual({ ok: false, reason });
    await sender.close();
  });
});
