import type { Context } from 'koa'
import type { ModelDetail } from '../../protocols/api/operations/models.ts'
import { html, type Markup } from '../html.ts'
import { address } from '../perform.ts'
import { named } from '../status-words.ts'
import { csrfField, done, problem, table, when } from '../words.ts'
import { modelWordsExplained } from './words.ts'

/** @property phones  how many say that they are this model; `more` when not all were counted */
export type ModelPage = { model: ModelDetail, phones: { count: number, holding: number, more: boolean }, mayApprove: boolean, doneText: Markup | undefined, mistake: string | undefined, now: Date }

export function modelPage(ctx: Context, page: ModelPage): Markup {
  const { model, mayApprove, doneText, mistake } = page
  return html`<section><p class="soft"><a href="/console/models">Models</a></p><h1>${model.name}</h1>${done(doneText)}${problem(mistake)}
<p><code>${model.identifier}</code> ${phonesWords(page)}</p>
${mayApprove && html`<div class="actions"><a class="button${model.approvals.length === 0 && ' main'}" href="${address('/console/models/approve', { model: model.identifier })}">Approve${model.approvals.length > 0 && ' once more'}</a></div>`}</section>
<section><h2>Approvals</h2>${approvals(ctx, page)}</section>
<div class="beside"><section><h2>What the catalogue says</h2>${facts(model)}
${model.notes.length > 0 && html`<h3>Notes</h3><ul>${model.notes.map(note => html`<li>${note}</li>`)}</ul>`}
${builds(model)}</section><div>${modelWordsExplained}</div></div>`
}

function phonesWords({ model, phones: { count, holding, more } }: ModelPage): Markup {
  if (count === 0) return html`No phone here says that it is one.`
  const link = address('/console/phones', { q: model.identifier })
  return html`<a href="${link}">${more ? 'More than ' : ''}${count} ${count === 1 ? 'phone' : 'phones'}</a> here ${count === 1 ? 'says' : 'say'} so; ${more && 'at least '}${holding} ${holding === 1 ? 'holds' : 'hold'} a key.`
}

function approvals(ctx: Context, { model, mayApprove, phones: { holding, more }, now }: ModelPage): Markup {
  if (model.approvals.length === 0) return html`<p class="empty">It is not approved, so its phones get no certificate, unless a rule or an exemption lets one in.</p>`
  return html`${table({
    caption: 'In force, or beginning later', head: ['Approves', 'Least evidence', 'Until', 'By', 'Why'],
    rows: model.approvals.map(approval => [
      html`<code>${approval.pattern}</code>`, approval.leastEvidence, approval.notAfter === null ? 'somebody withdraws it' : when(new Date(approval.notAfter), now), named(approval.author), named(approval.reason),
    ]), empty: '',
  })}${mayApprove && html`<h3>Withdraw</h3><p>Phones of the model then get no new certificate and cannot renew. ${holding === 0 ? 'No phone holds one now.' : html`${more && 'More than '}${holding} ${holding === 1 ? 'certificate is' : 'certificates are'} good now; what becomes of them you choose when you have seen whose they are.`}</p>
<div class="actions">${model.approvals.map(approval => html`<form method="post" action="/console/models/${model.identifier}/withdraw">${csrfField(ctx)}<input type="hidden" name="approval" value="${approval.id}"><button type="submit">Withdraw ${approval.pattern}…${approval.pattern !== model.identifier && ' for all that it names'}</button></form>`)}</div>`}`
}

/** What people run; the betas between would be many times as many. */
function builds(model: ModelDetail): Markup | undefined {
  const released = model.builds.filter(build => build.kind === 'release').sort((a, b) => (b.released ?? '').localeCompare(a.released ?? ''))
  if (released.length === 0) return undefined
  return html`<details><summary>${released.length} versions were released for it</summary>${table({
    caption: 'Newest first', head: ['Build', 'Version', 'Released'], empty: '',
    rows: released.slice(0, 200).map(build => [html`<code>${build.build}</code>`, build.version ?? '–', build.released ?? '–']),
  })}</details>`
}

const yes = (value: boolean | null): string => value === null ? 'nobody says' : value ? 'yes' : 'no'

const facts = (model: ModelDetail): Markup => html`<dl class="facts">
<div><dt>Family</dt><dd>${model.family}</dd></div>
<div><dt>Released</dt><dd>${model.released ?? 'not known'}</dd></div>
<div><dt>Chip</dt><dd>${model.soc}</dd></div>
<div><dt>Storage encryption</dt><dd>${yes(model.storageEncryption)}</dd></div>
<div><dt>Data Protection</dt><dd>${yes(model.dataProtection)}</dd></div>
<div><dt>Secure Enclave</dt><dd>${yes(model.secureEnclave)}</dd></div>
<div><dt>Can attest to itself</dt><dd>${yes(model.canAttest)}${model.canAttest && !model.attestsModel && ', but not to its model'}</dd></div>
<div><dt>Versions</dt><dd>${model.minOS ?? '?'} to ${model.stillSupported === true ? 'today' : model.maxOS ?? '?'}</dd></div>
<div><dt>Model numbers</dt><dd>${model.modelNumbers.join(', ') || '–'}</dd></div>
<div><dt>ActiveSync name</dt><dd>${model.easModel === null ? '–' : html`<code>${model.easModel}</code>`}</dd></div></dl>`
