import { anyText } from '@countersign/arbitraries';
import fc from 'fast-check';
import { escapeHtml, html, named } from './html.js';

describe('html', () => {
  it('escapes every value, in content and in attributes', () => {
    const value = `<script>"'&`;
    expect(html`<p title="${value}">${value}</p>`.toString()).toBe(
      '<p title="&lt;script&gt;&quot;&#39;&amp;">&lt;script&gt;&quot;&#39;&amp;</p>',
    );
  });

  it('keeps markup, joins lists and omits missing values', () => {
    const items = ['a', '<b>'].map((item) => html`<li>${item}</li>`);
    expect(html`${items}${undefined}${3}`.toString()).toBe('<li>a</li><li>&lt;b&gt;</li>3');
  });

  it('lets no text escape its place', () => {
    fc.assert(
      fc.property(anyText(), (text) => {
        expect(escapeHtml(text)).not.toMatch(/[<>"']|&(?!(?:amp|lt|gt|quot|#39);)/);
      }),
    );
  });

  it('shows what would be invisible or would reorder the text', () => {
    expect(escapeHtml('pay\u202egnp.exe\u200b\u0000\u2067')).toBe('pay\ufffdgnp.exe\ufffd\ufffd\ufffd');
    expect(named('\u05d0 name').toString()).toBe('<bdi>\u05d0 name</bdi>');
  });
});
