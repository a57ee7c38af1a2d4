import { createHash } from 'node:crypto';
import { html } from './html.js';
import { pagePolicy, sendPage } from './page.js';
import Fastify from 'fastify';

describe('pages', () => {
  const fastify = Fastify();
  fastify.get('/', (_request, reply) => {
    sendPage(reply, {
      title: 'A <title>',
      body: html`<p>text</p>`,
      person: 'Ada',
      formTargets: ['https://app.example'],
    });
    return reply;
  });

  it('load nothing, run nothing, and cannot be framed or cached', async () => {
    const { headers, body } = await fastify.inject('/');
    const [, style = ''] = /<style>(.*)<\/style>/s.exec(body) ?? [];
    const hash = createHash('sha256').update(style).digest('base64');
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy':
        `default-src 'none'; style-src 'sha256-${hash}'; form-action 'self' https://app.example; ` +
        "frame-ancestors 'none'; base-uri 'none'",
      'cross-origin-opener-policy': 'same-origin',
      'referrer-policy': 'same-origin',
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
    });
    expect(body).not.toMatch(/<script|\son\w+=|javascript:|style="/i);
  });

  it('state their language, have a title, a heading and a skip link', async () => {
    const { body } = await fastify.inject('/');
    expect(body).toMatch(/^<!doctype html>\s*<html lang="en">/);
    expect(body).toContain('<title>A &lt;title&gt; · Countersign</title>');
    expect(body).toContain('<h1>A &lt;title&gt;</h1>');
    expect(body).toMatch(/<a class="skip" href="#main">.*<main id="main"/s);
  });

  it.each([["'unsafe-inline'"], ['https://a.example; script-src *'], ['https://a.example/path'], ['*'], ['']])(
    'never write %j into their policy',
    (target) => {
      expect(() => pagePolicy([target])).toThrow(TypeError);
    },
  );
});
