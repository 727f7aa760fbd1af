import type { Context } from 'koa'
import type { z } from 'zod'
import type { authorityShow } from '../../protocols/api/operations/authorities.ts'
import type { Overview } from '../../protocols/api/operations/overview.ts'
import { html, type Markup } from '../html.ts'
import { csrfField, done, state, table, when } from '../words.ts'

type Shown = z.output<typeof authorityShow.output>
export type AuthorityPage = Shown & { lists: Overview['lists'], warnings: Overview['warnings'], mayChange: boolean, doneText: string | undefined, now: Date }

const roleWords: Readonly<Record<Shown['items'][number]['role'], string>> = {
  root: 'What everything rests on. Its key signs seldom, and may be kept elsewhere.',
  issuing: 'Signs the certificates of phones, and the lists that take them back.',
  enrollment: 'Signs what a phone needs for an hour while it enrolls. It stands outside the root, so that it opens nothing.',
  agent: 'Signs certificates of the agents beside front ends. It stands outside the root, so that it opens nothing.',
}
const purposeWords: Readonly<Record<string, string>> = { 'scep-ra': 'SCEP', 'ocsp-responder': 'OCSP answers', 'profile-signer': 'configuration profiles' }

export function authorityPage(ctx: Context, { items, rootCrls, lists, warnings, mayChange, doneText, now }: AuthorityPage): Markup {
  return html`<section>${done(doneText)}<h1>Authority</h1><p>Who signs, with which key, and until when. Compare the fingerprints with what front ends and phones were given.</p>
${warnings.map(({ text, danger }) => html`<div class="${danger ? 'problem' : 'consequence'}"><p>${danger && html`<b>Danger.</b> `}${text}</p></div>`)}</section>
${items.map(item => authority(item, now))}
<section>${table({
  caption: 'Revocation lists', head: ['Of', { text: 'Number', numeric: true }, 'Published', 'Runs out', 'State', 'File'], empty: 'No list has been published yet.',
  rows: lists.map(list => [list.authority, list.crlNumber, when(new Date(list.thisUpdate), now), when(new Date(list.nextUpdate), now), state(list.late ? 'late' : 'good', list.late ? 'stop' : 'good'),
    html`<a href="${`/crl/${list.authority}.crl`}" download>${list.authority}.crl</a>`]),
})}
${rootCrls.map(({ root, nextUpdate, entries }) => html`<p class="soft">The list of ${root} names ${entries === 0 ? 'no certificate' : entries === 1 ? 'one certificate' : `${entries} certificates`} and is good until ${when(new Date(nextUpdate), now)}.</p>`)}
<p>For front ends: <a href="/ca/chain.pem" download>chain.pem</a>, the issuing CA and its root · <a href="/crl/bundle.pem" download>bundle.pem</a>, all lists of one moment</p></section>
<section><h2>By hand</h2>
${mayChange && html`<form method="post" action="/console/authority/renew-signers">${csrfField(ctx)}<p>What signs is renewed by itself, long before its end. This renews what is near its end now.</p><button type="submit">Renew what is due</button></form>`}
<p class="soft">Ceremonies of the root need the machine that it is on: <code>npx latchkey authority export-root</code>, <code>authority root-crl</code>, <code>authority import</code>.</p></section>`
}

function authority({ name, role, active, subject, fingerprint, key, keyHere, parent, partitions, notAfter, signers }: Shown['items'][number], now: Date): Markup {
  return html`<section><h2>${name} ${!active && state('replaced')}</h2><p class="soft">${roleWords[role]}</p><dl class="facts">
<div><dt>Name in certificates</dt><dd>${subject}</dd></div>
<div><dt>SHA-256 fingerprint</dt><dd><code class="long">${fingerprint.toUpperCase().replaceAll(/(..)(?=.)/g, '$1:')}</code></dd></div>
<div><dt>Key</dt><dd>${key}, ${keyHere ? 'kept here, encrypted' : 'not here'}</dd></div>
<div><dt>Signed by</dt><dd>${parent ?? 'itself'}</dd></div>
<div><dt>Ends</dt><dd>${when(new Date(notAfter), now)}</dd></div>
${role === 'issuing' && html`<div><dt>Lists</dt><dd>${partitions === 1 ? 'one partition' : `${partitions} partitions`}</dd></div>`}
${signers.map(signer => html`<div><dt>Signs ${purposeWords[signer.purpose]}</dt><dd>until ${when(new Date(signer.notAfter), now)}</dd></div>`)}
<div><dt>Certificate</dt><dd><a href="${`/ca/${name}.cer`}" download>${name}.cer</a></dd></div></dl></section>`
}
