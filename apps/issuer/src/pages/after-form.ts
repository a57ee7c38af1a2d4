import { type FastifyReply } from 'fastify';
import { formTargetOf } from './form-target.js';
import { html } from './html.js';
import { sendBrowserTo, sendPage } from './page.js';

/**
 * Sends the browser on after a form, through a page that continues automatically: browsers apply the policy of the form's page to every redirect
 * that follows, and nobody here knows where a provider or an application redirects to next.
 * @param location created here, never copied from a request
 */
export function sendBrowserOn(reply: FastifyReply, location: string): void {
  const body = html`<p><a class="button" href="${location}">Continue</a></p>`;
  sendPage(reply, { title: 'One moment', leadsOnTo: location, body });
}

/** An application's URL where the browser ends up after a form. */
export interface ApplicationAddress {
  readonly url: string;
  /** Whether it is a native application's: nothing follows it, and phones open an application only through a redirect from what the person did. */
  readonly native: boolean;
}

/** Sends the browser back to an application after a form whose page named {@link formTargetsOf} of the same URL. */
export function sendBrowserBack(reply: FastifyReply, { url, native }: ApplicationAddress): void {
  if (native) sendBrowserTo(reply, url);
  else sendBrowserOn(reply, url);
}

/** Where a page's form may lead besides this issuer, as sources of its policy. */
export function formTargetsOf({ url, native }: ApplicationAddress): readonly string[] {
  return native ? [formTargetOf(url)] : [];
}
