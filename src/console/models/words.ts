import { html, type Markup } from '../html.ts'

/** Beside every choice of models: three things that are easily taken for one another, and two that are not known. */
export const modelWordsExplained: Markup = html`<aside class="aside" aria-label="What the words mean"><h2>What the words mean</h2><dl class="words">
<div><dt>Storage encryption</dt><dd>What lies on the phone cannot be read by taking it apart. Only the first two iPhones and iPod touches lack it. It needs a passcode to protect anything.</dd></div>
<div><dt>Transport encryption</dt><dd>What travels between phone and server cannot be read on the way. Every model does this. It says nothing about a phone that is lost, so it is no column here.</dd></div>
<div><dt>Backups</dt><dd>Copies on a computer are another matter: whether they are encrypted is a setting, which a template can force.</dd></div>
<div><dt>Secure Enclave</dt><dd>A key can be born in it and never leave, not even for whoever controls the phone.</dd></div>
<div><dt>Attests its model</dt><dd>Apple signs which model it is. Other phones sign it themselves, and a jailbroken one can lie.</dd></div></dl>
<p><a href="/console/words">All words</a></p></aside>`
