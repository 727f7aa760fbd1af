import { doesNotProve } from '../../devices/evidence.ts'
import type { Certificate } from '../../formats/x509.ts'
import type { CertificateView } from '../../protocols/api/operations/certificate-view.ts'
import { html, type Markup } from '../html.ts'
import { personLink } from '../links.ts'
import { certificateState, modelWords, named } from '../status-words.ts'
import { done, grade, table, when } from '../words.ts'
import { decodedExtensions, decodedFields } from './decoded.ts'

/** @property parsed  undefined while it is being issued */
export type CertificatePage = { view: CertificateView & { published: boolean }, parsed: Certificate | undefined, modelName: string | null, mayRevoke: boolean, doneText: string | undefined, now: Date }

export function certificatePage({ view, parsed, modelName, mayRevoke, doneText, now }: CertificatePage): Markup {
  const path = `/console/certificates/${view.serialNumber}`
  return html`<section><p class="soft"><a href="/console/certificates">Certificates</a></p>
<h1>Certificate of ${view.personId !== null ? personLink(view.personId, view.personName ?? '') : view.kind === 'bootstrap' ? 'a phone that is enrolling' : 'nobody'}</h1>${done(doneText)}
<p>${certificateState(view.status)} ${sentence(view, now)}</p>
<div class="actions">${parsed !== undefined && html`<a class="button" href="${path}/certificate.pem">Download as PEM</a>`}${mayRevoke && actions(view, path)}</div></section>
<section><h2>On record</h2>${facts(view, modelName, now)}</section>
${parsed !== undefined && html`<section><h2>What stands in it</h2>${table({
  caption: 'Fields', head: ['Field', 'Value', 'Meaning'],
  rows: decodedFields(parsed).map(field => [field.name, values(field.values), html`<span class="soft">${field.meaning}</span>`]), empty: '',
})}${table({
  caption: 'Extensions', head: ['Extension', 'Value', 'Critical', 'Meaning'],
  rows: decodedExtensions(parsed).map(extension => [html`<span title="${extension.oid}">${extension.name}</span>`, values(extension.values), extension.critical ? 'yes' : 'no', html`<span class="soft">${extension.meaning}</span>`]), empty: 'It has none.',
})}</section>`}`
}

const values = (texts: readonly string[]): Markup => html`${texts.map((text, index) => html`${index > 0 && html`<br>`}<code class="long">${named(text)}</code>`)}`

function actions(view: CertificateView, path: string): Markup | undefined {
  if (view.status !== 'good' && view.status !== 'held') return undefined
  return html`${view.status === 'held' ? html`<a class="button" href="${path}/release">Release</a>` : html`<a class="button" href="${path}/hold">Put on hold</a>`}<a class="button" href="${path}/revoke">Revoke</a>`
}

function sentence(view: CertificatePage['view'], now: Date): Markup {
  const until = when(new Date(view.notAfter), now)
  switch (view.status) {
    case 'good': return html`Front ends let it in. It ends ${until}.`
    case 'held': return html`Front ends refuse it until somebody releases it. ${listed(view)}`
    case 'revoked': return html`Front ends refuse it for good. ${listed(view)}`
    case 'expired': return html`It ended ${until}.`
  }
}

const listed = ({ published, revocation }: CertificatePage['view']): string =>
  revocation === null ? 'Its issuer was revoked, and with it everything that it issued.' : published ? 'The published lists say so too.' : 'The lists are being published; who asks knows already.'

const reasonWords: Readonly<Record<string, string>> = {
  unspecified: 'no reason given', keyCompromise: 'lost or stolen', affiliationChanged: 'the person does something else now', superseded: 'replaced by a newer one',
  cessationOfOperation: 'phone or person is no longer here', certificateHold: 'on hold', privilegeWithdrawn: 'no longer entitled',
}

function facts(view: CertificateView, modelName: string | null, now: Date): Markup {
  const { revocation, deviceId, productType } = view
  return html`<dl class="facts">
${view.personId !== null && html`<div><dt>Person</dt><dd>${personLink(view.personId, view.personName ?? '')}, ${named(view.personEmail ?? '')}</dd></div>`}
${deviceId !== null && productType !== null && html`<div><dt>Phone</dt><dd><a href="/console/phones/${deviceId}">${modelWords({ modelName, productType })}</a></dd></div>`}
${view.grade !== null && html`<div><dt>Model known by</dt><dd>${grade(view.grade, view.test)} <span class="soft">${doesNotProve[view.grade]}</span></dd></div>`}
<div><dt>Key</dt><dd>${view.keyOrigin === 'delivered' ? 'Made here and delivered inside an encrypted profile; it was forgotten here afterwards.' : 'Born on the phone.'}</dd></div>
<div><dt>Issued</dt><dd>${when(new Date(view.createdAt), now)}</dd></div>
<div><dt>First used</dt><dd>${view.firstUsedAt === null ? 'No front end has asked about it yet.' : when(new Date(view.firstUsedAt), now)}</dd></div>
${revocation !== null && html`<div><dt>${view.status === 'held' ? 'Held' : 'Revoked'}</dt><dd>${when(new Date(revocation.revokedAt), now)} by ${named(revocation.actor)}: ${reasonWords[revocation.reason] ?? revocation.reason} <code>${revocation.reason}</code>${revocation.cause !== '' && html`<br><span class="soft">${named(revocation.cause)}</span>`}</dd></div>`}
<div><dt>Issued by</dt><dd><code>${view.authority}</code></dd></div>
${view.fingerprint !== null && html`<div><dt>SHA-256 fingerprint</dt><dd><code class="long">${view.fingerprint}</code></dd></div>`}</dl>`
}
