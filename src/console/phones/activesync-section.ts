import type { Context } from 'koa'
import type { DeviceDetail } from '../../protocols/api/operations/devices.ts'
import { html, type Markup } from '../html.ts'
import { named } from '../status-words.ts'
import { csrfField, field, problem, state, table, when, type Tone } from '../words.ts'

type Section = { device: DeviceDetail, mayAccept: boolean, mistake: string | undefined, now: Date }

/** What the phone said of itself at front ends. Nothing while it has not been there. */
export function activeSyncSection(ctx: Context, { device, mayAccept, mistake, now }: Section): Markup | undefined {
  const { deviceIds, findings } = device.activeSync
  if (deviceIds.length === 0 && findings.length === 0) return undefined
  const open = findings.some(({ accepted }) => !accepted)
  return html`<section id="activesync"><h2>What it says over ActiveSync</h2><p class="soft">Claims, and none of them evidence: they open nothing, and are only held against the certificate.</p>
${deviceIds.map(({ deviceId, certificate, firstSeenAt }) => html`<p>Certificate <a href="/console/certificates/${certificate}"><code>${certificate.slice(0, 8)}…</code></a> was first used by the DeviceId <code>${deviceId}</code>, ${when(new Date(firstSeenAt), now)}.</p>`)}
${findings.length > 0 && table({
    caption: 'Where a request contradicted its certificate, newest first', head: ['Found', 'What', 'Front end', 'Done'], empty: '',
    rows: findings.map(found => [when(new Date(found.foundAt), now), html`${named(found.sentence)} <code>${found.finding}</code>`, named(found.frontEnd), done(found)]),
  })}
${problem(mistake)}${open && mayAccept && acceptForm(ctx, device.id)}</section>`
}

const actionWords: Readonly<Record<'observe' | 'quarantine' | 'refuse', [word: string, tone?: Tone]>> = { observe: ['noted'], quarantine: ['set aside', 'wait'], refuse: ['refused', 'stop'] }

const done = ({ action, accepted, settledBy }: DeviceDetail['activeSync']['findings'][number]): Markup =>
  settledBy !== null ? html`${accepted ? 'accepted' : 'refused'} by ${named(settledBy)}` : state(...actionWords[action])

const acceptForm = (ctx: Context, id: string): Markup => html`<form method="post" action="/console/phones/${id}/accept-claims">${csrfField(ctx)}
<p>When there is an honest reason, a shared mailbox or a phone that was restored, accept it: said again, it counts as no contradiction. When there is none, revoke the phone.</p>
${field({ label: 'Why it is all right', name: 'reason', required: true, maxlength: 2000, hint: 'For the record: how you made sure.' })}
<button type="submit">Accept</button></form>`
