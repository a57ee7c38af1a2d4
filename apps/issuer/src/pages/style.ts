import { createHash } from 'node:crypto';

/** The stylesheet of all pages: inlined in each, so that a page needs no second request and its policy can name it by hash. */
export const stylesheet = `
:root{color-scheme:light dark;--ground:#fff;--raised:#f4f5f7;--ink:#16181d;--quiet:#4b5160;--line:#c9cdd6;--accent:#0b4fb3;--on-accent:#fff;--warn:#9a1b1b}
@media (prefers-color-scheme:dark){:root{--ground:#14161a;--raised:#1e2127;--ink:#eceef2;--quiet:#b3b9c5;--line:#454b57;--accent:#8ab8ff;--on-accent:#0a1a33;--warn:#ff9d9d}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
header,main,footer{max-width:42rem;margin:0 auto;padding:1rem 1.25rem}
header{display:flex;flex-wrap:wrap;gap:.5rem 1rem;justify-content:space-between;align-items:baseline}
.brand{font-weight:600}
h1{font-size:1.6rem;line-height:1.25;margin:.5rem 0 1rem}
h2{font-size:1.2rem;margin:2rem 0 .75rem}
h3{font-size:1.05rem;margin:0 0 .5rem}
a{color:var(--accent)}
.quiet{color:var(--quiet)}
.warn{color:var(--warn)}
.card{border:1px solid var(--line);border-radius:.5rem;background:var(--raised);padding:1rem 1.25rem;margin:0 0 1rem}
ul.plain{list-style:none;margin:0;padding:0}
dl{display:grid;grid-template-columns:minmax(7rem,auto) 1fr;gap:.25rem 1rem;margin:0 0 .75rem}
dt{color:var(--quiet)}
dd{margin:0}
form{margin:0}
.actions{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.25rem 0 0}
button,.button{display:inline-block;min-height:2.75rem;padding:.55rem 1.1rem;border:1px solid var(--accent);border-radius:.4rem;background:var(--accent);color:var(--on-accent);font:inherit;font-weight:600;text-align:center;text-decoration:none;cursor:pointer}
button.second,.button.second{background:transparent;color:var(--accent)}
button.danger{background:transparent;border-color:var(--warn);color:var(--warn)}
label{display:block;font-weight:600;margin:0 0 .25rem}
input[type=text]{width:100%;min-height:2.75rem;padding:.5rem .75rem;border:1px solid var(--quiet);border-radius:.4rem;background:var(--ground);color:var(--ink);font:inherit}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.skip{position:absolute;left:-100vw}
.skip:focus{left:1rem;top:1rem;background:var(--ground);padding:.5rem 1rem;z-index:1}
footer{color:var(--quiet);font-size:.9rem}
@media (max-width:30rem){dl{grid-template-columns:1fr;gap:0}dd{margin:0 0 .5rem}.actions>*,.actions button,.actions .button{width:100%}}
@media (forced-colors:active){button,.button{border:1px solid ButtonText}}
`;

/** The stylesheet as a source of a content security policy (CSP level 3, section 2.3.1). */
export const stylesheetSource = `'sha256-${createHash('sha256').update(stylesheet).digest('base64')}'`;
