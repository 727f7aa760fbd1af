import type { Context } from 'koa'
import type { z } from 'zod'
import { doesNotProve } from '../../devices/evidence.ts'
import type { decisionView } from '../../protocols/api/operations/decision-view.ts'
import type { DeviceDetail } from '../../protocols/api/operations/devices.ts'
import { html, type Markup } from '../html.ts'
import { personLink } from '../links.ts'
import { modelWords, named } from '../status-words.ts'
import { choices, csrfField, field, grade, problem } from '../words.ts'

export type ExemptionValues = { verdict?: string, evidence?: string, until?: string, reason?: string, text?: string }
export type ExemptionForm = { device: DeviceDetail, decision: z.input<typeof decisionView>, values: ExemptionValues, mistake: string | undefined }

/** A decision about one phone under the invitation by which it came. */
export function exemptionForm(ctx: Context, { device, decision, values, mistake }: ExemptionForm): Markup {
  return html`<section><p class="soft"><a href="/console/policy">Policy</a> / <a href="/console/phones/${device.id}">the phone</a></p><h1>Decide about ${personLink(device.personId, device.personName)}’s ${device.modelName ?? 'phone'}</h1>
<p>Before all rules, for this phone alone, under the invitation by which it came. ${modelWords(device)}, ${grade(device.grade, device.test)}</p></section>
<section class="consequence"><h2>As policy stands</h2><p>${named(decision.textForAdmin)}</p></section>
<form method="post" action="/console/policy/exemptions/new">${csrfField(ctx)}<input type="hidden" name="phone" value="${device.id}">${problem(mistake)}
${choices({
  legend: 'What happens to it', name: 'verdict', value: values.verdict ?? 'allow',
  options: [
    { value: 'allow', text: 'Let it in', hint: 'Whatever the rules say. A phone or person that is on hold stays out all the same.' },
    { value: 'quarantine', text: 'Set it aside', hint: 'Somebody has to look at it each time it comes.' },
    { value: 'block', text: 'Refuse it', hint: 'It gets no certificate. What becomes of one that it holds you choose next.' },
  ],
})}
${choices({
  legend: 'How well its model has to be known', name: 'evidence', value: values.evidence ?? 'signed',
  options: (['signed', 'attested', 'listed', 'claimed'] as const).map(value => ({ value, text: value === 'attested' ? value : `${value}, or better`, hint: doesNotProve[value] })),
})}
${field({ label: 'Last day', name: 'until', type: 'date', required: true, value: values.until ?? '', hint: 'No certificate that rests on it outlives it.' })}
${field({ label: 'Why', name: 'reason', required: true, maxlength: 2000, value: values.reason ?? '', hint: 'For the record: how you made sure.' })}
${field({ label: 'What its owner reads', name: 'text', type: 'textarea', rows: 3, maxlength: 2000, value: values.text ?? '', hint: 'Where it is not let in: what was found, why it matters, what would help, whom to ask.' })}
<div class="actions"><button class="main" type="submit">Decide</button><a href="/console/phones/${device.id}">Leave it</a></div></form>`
}
