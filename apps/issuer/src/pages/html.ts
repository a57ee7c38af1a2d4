/** Markup that is safe to send: only {@link html} creates it. */
export class Html {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  /** For markup in this source code; never for text from outside. */
  static trusted(text: string): Html {
    return new Html(text);
  }

  toString(): string {
    return this.#text;
  }
}

/** Values in a template: text is escaped, markup and lists of both are inserted as they are, undefined is omitted. */
export type HtmlValue = string | number | Html | undefined | readonly HtmlValue[];

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Control characters, line and paragraph separators, invisible ones, and those that change the direction of the text around them. */
const unseen = /[\p{Cc}\p{Cs}\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]/gu;

/** Text as markup, in content and in quoted attributes. Characters that are invisible, or that would reorder the visible text, become U+FFFD. */
export function escapeHtml(text: string): string {
  return text.replace(unseen, '\ufffd').replace(/[&<>"']/g, (sign) => escapes[sign] ?? sign);
}

function textOf(value: HtmlValue): string {
  if (value === undefined) return '';
  if (value instanceof Html) return value.toString();
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value));
  return value.map(textOf).join('');
}

/**
 * Template tag for markup. Every value is escaped unless it is markup itself. Write attributes in double quotes, and never put a value that
 * came from outside into `href`, `action` or `style`.
 */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return Html.trusted(parts.reduce((text, part, index) => text + textOf(values[index - 1]) + part));
}

/** Third-party text (a name), isolated so that its direction does not affect the text next to it. */
export function named(text: string): Html {
  return html`<bdi>${text}</bdi>`;
}

/** A time as people and programs read it, in UTC. */
export function timeOf(time: Date): Html {
  const text = time.toISOString();
  return html`<time datetime="${text}">${text.slice(0, 10)} ${text.slice(11, 16)} UTC</time>`;
}
