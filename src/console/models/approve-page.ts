import type { Context } from 'koa'
import { doesNotProve } from '../../devices/evidence.ts'
import { isWildcard } from '../../formats/wildcard.ts'
import type { DeviceModel } from '../../devices/catalogue.ts'
import { html, type Markup } from '../html.ts'
import { choices, csrfField, field, problem } from '../words.ts'
import { modelWordsExplained } from './words.ts'

export type ApproveValues = { least?: string, reason?: string, until?: string }
/** @property notes  what is worth knowing about the models concerned */
export type ApprovePage = { models: readonly DeviceModel[], preset: string | undefined, pattern: string | undefined, presetWords: string | undefined, notes: readonly string[], values: ApproveValues, mistake: string | undefined }

export function approvePage(ctx: Context, { models, preset, pattern, presetWords, notes, values, mistake }: ApprovePage): Markup {
  const [only] = models
  const heading = pattern !== undefined ? `Approve ${pattern}` : presetWords !== undefined ? `Approve all models ${presetWords}` : models.length === 1 ? `Approve ${only!.name}` : `Approve ${models.length} models`
  return html`<section><p class="soft"><a href="/console/models">Models</a></p><h1>${heading}</h1></section>
<section class="consequence"><h2>Phones of ${models.length === 1 ? '1 model' : `${models.length} models`} may get a certificate from now on.</h2>
<p>${pattern === undefined || !isWildcard(pattern) ? 'Each model gets an approval of its own, which can be withdrawn for itself. Models that come out later are not among them.' : 'One approval names them all, and every model to come whose product type fits, as soon as the catalogue has it.'} Block and quarantine rules still count.</p>
<p>If phones that are here would come in by it, you see whose before it counts. Otherwise it counts at once.</p>
${notes.length > 0 && html`<ul>${notes.slice(0, 20).map(note => html`<li>${note}</li>`)}</ul>`}${notes.length > 20 && html`<p>And ${notes.length - 20} notes more, which stand on the models’ pages.</p>`}</section>
<div class="beside"><form method="post" action="/console/models/approve">${csrfField(ctx)}<input type="hidden" name="sure" value="yes">
${preset !== undefined ? html`<input type="hidden" name="preset" value="${preset}">` : pattern !== undefined ? html`<input type="hidden" name="pattern" value="${pattern}">` : models.map(model => html`<input type="hidden" name="model" value="${model.identifier}">`)}
${problem(mistake)}
${choices({
  legend: 'How well the model has to be known', name: 'least', value: values.least ?? 'signed',
  options: [
    { value: 'signed', text: 'signed, or better', hint: doesNotProve.signed },
    { value: 'attested', text: 'attested', hint: `${doesNotProve.attested} ${models.filter(model => !model.attestsModel).length} of these ${models.length} cannot attest their model, so none of those would come in.` },
    { value: 'listed', text: 'listed, or better', hint: doesNotProve.listed },
  ],
})}
${field({ label: 'Why', name: 'reason', required: true, maxlength: 2000, value: values.reason ?? '', hint: 'For the record, and for whoever asks in a year.' })}
${field({ label: 'Last day', name: 'until', type: 'date', value: values.until ?? '', hint: 'Left empty: until somebody withdraws it. No certificate outlives the approval it rests on.' })}
<div class="actions"><button class="main" type="submit">Approve</button><a href="/console/models">Leave it</a></div></form>
<div><section><h2>${models.length === 1 ? 'The model' : 'The models'}</h2><details${models.length <= 10 && html` open`}><summary>${models.length === 1 ? '1 model' : `${models.length} models`}</summary><ul>${models.map(model => html`<li><a href="/console/models/${model.identifier}">${model.name}</a> <code>${model.identifier}</code></li>`)}</ul></details></section>${modelWordsExplained}</div></div>`
}
