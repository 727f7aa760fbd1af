import type { Context } from 'koa'
import { doesNotProve } from '../../devices/evidence.ts'
import type { StoryEvent } from '../../protocols/api/operations/device-story.ts'
import type { DeviceDetail } from '../../protocols/api/operations/devices.ts'
import { html, type Markup } from '../html.ts'
import { inventoryFacts } from '../inventory/facts.ts'
import { linkInto, personLink } from '../links.ts'
import { address } from '../perform.ts'
import { certificateState, modelWords, named, phoneState } from '../status-words.ts'
import { done, grade, table, when } from '../words.ts'
import { activeSyncSection } from './activesync-section.ts'
import { storyList } from './story-words.ts'

/** @property mayLetIn  also when it was revoked. @property waits  somebody has to decide about it */
export type PhonePage = { device: DeviceDetail, story: readonly StoryEvent[], mayRevoke: boolean, mayExempt: boolean, mayLetIn: boolean, mayAccept: boolean, waits: boolean, mistake: string | undefined, doneText: string | undefined, now: Date }

export function phonePage(ctx: Context, { device, story, mayRevoke, mayExempt, mayLetIn, mayAccept, waits, mistake, doneText, now }: PhonePage): Markup {
  const newest = device.certificates[0] ?? null
  return html`<section><p class="soft"><a href="/console/phones">Phones</a></p>
<h1>${device.modelName ?? 'A phone'} of ${personLink(device.personId, device.personName)}</h1>${done(doneText)}
<p>${phoneState({ enrollment: device.enrollment, certificate: newest, lockedOut: device.lockedOut })} ${modelWords(device)}, ${grade(device.grade, device.test)}</p>
${device.enrollment !== null && html`<p>${linkInto('policy', address('/console/policy/explain', { phone: device.id }), 'What would be decided about it now')}${mayExempt && html`, or ${linkInto('policy', address('/console/policy/exemptions/new', { phone: device.id }), 'decide about it before all rules')}`}</p>`}
${waits && html`<p>${linkInto('quarantine', `/console/quarantine/${device.id}`, 'Somebody has to decide about it')}.</p>`}
${mayRevoke && actions(device, mayLetIn)}</section>
<div class="two"><section><h2>What is known</h2>${facts(device, now)}</section>
<section><h2>What that does not prove</h2><p>${doesNotProve[device.grade]}</p>${device.test && html`<p>${doesNotProve.test}</p>`}
<p class="soft">Every message that the phone signed is kept as it came, and stands in the story below. To check the first one without Latchkey:</p><p><code class="long">openssl cms -verify -inform DER -in evidence.p7m -CAfile apple-iphone-device-ca.pem -partial_chain -purpose any -no_check_time</code></p><p class="soft">The second one is signed with the key that the phone made in between, whose certificate came from the enrollment CA of this installation.</p></section></div>
<section><h2>Certificates</h2>${certificates(device, now)}</section>
${device.exemptions.length > 0 && html`<section><h2>Exemptions</h2>${exemptions(device, now)}</section>`}
${activeSyncSection(ctx, { device, mayAccept: mayAccept && device.enrollment?.state !== 'quarantined', mistake, now })}
<section><h2>Its story</h2>${storyList(device.id, story, now)}</section>`
}

function actions(device: DeviceDetail, mayLetIn: boolean): Markup | undefined {
  const statuses = new Set(device.certificates.map(certificate => certificate.status))
  const mayRelease = device.lockedOut === 'revoked' ? mayLetIn : device.lockedOut === 'held' || statuses.has('held')
  if (!statuses.has('good') && !statuses.has('held') && !mayRelease) return undefined
  return html`<div class="actions">${mayRelease && html`<a class="button" href="/console/phones/${device.id}/release">Release</a>`}${statuses.has('good') && html`<a class="button" href="/console/phones/${device.id}/hold">Put on hold</a>`}${(statuses.has('good') || statuses.has('held')) && html`<a class="button" href="/console/phones/${device.id}/revoke">Revoke</a>`}</div>`
}

function facts(device: DeviceDetail, now: Date): Markup {
  return html`<dl class="facts">
<div><dt>Person</dt><dd>${personLink(device.personId, device.personName)}, ${named(device.personEmail)}</dd></div>
<div><dt>Model</dt><dd>${device.modelName === null ? modelWords(device) : linkInto('models', `/console/models/${encodeURIComponent(device.productType)}`, modelWords(device))}</dd></div>
<div><dt>Version</dt><dd>${named(device.osVersion ?? 'not said')}${device.build !== null && html`, build <code>${named(device.build)}</code>`}</dd></div>
<div><dt>Serial number</dt><dd><code>${named(device.serialNumber)}</code></dd></div>
<div><dt>UDID</dt><dd><code>${named(device.udid)}</code></dd></div>
${inventoryFacts(device)}<div><dt>First seen</dt><dd>${when(new Date(device.createdAt), now)}</dd></div>
<div><dt>Newest evidence</dt><dd>${when(new Date(device.knownAt), now)}</dd></div></dl>`
}

const certificates = (device: DeviceDetail, now: Date): Markup => table({
  caption: 'Newest first', head: ['Serial number', 'State', 'Until', 'Issued', 'First used'],
  rows: device.certificates.map(certificate => [
    html`<a href="/console/certificates/${certificate.serialNumber}"><code>${certificate.serialNumber}</code></a>`, certificateState(certificate.status),
    when(new Date(certificate.notAfter), now), when(new Date(certificate.createdAt), now),
    certificate.firstUsedAt === null ? 'not yet seen' : when(new Date(certificate.firstUsedAt), now),
  ]),
  empty: 'This phone has had no certificate.',
})

const verdictWords = { allow: 'let in', quarantine: 'set aside', block: 'refused' } as const

const exemptions = (device: DeviceDetail, now: Date): Markup => table({
  caption: 'Decisions about this phone alone, which count before all rules', head: ['Decision', 'Until', 'By', 'Why'],
  rows: device.exemptions.map(exemption => [verdictWords[exemption.verdict], when(new Date(exemption.notAfter), now), named(exemption.author), named(exemption.reason)]),
  empty: '',
})
