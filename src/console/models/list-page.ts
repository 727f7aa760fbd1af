import type { Context } from 'koa'
import type { ModelView } from '../../protocols/api/operations/models.ts'
import { html, type Markup } from '../html.ts'
import { named } from '../status-words.ts'
import { csrfField, done, problem } from '../words.ts'
import { byWildcard, facetLinks, presetLinks, presetWithdrawals, type Chosen } from './facets.ts'
import { modelWordsExplained } from './words.ts'

/** @property unknown  product types that phones here say they are and the catalogue does not have */
export type ModelList = { models: readonly ModelView[], total: number, chosen: Chosen, unknown: readonly string[], version: string, mayApprove: boolean, doneText: Markup | undefined, mistake: string | undefined }

export function modelListPage(ctx: Context, { models, total, chosen, unknown, version, mayApprove, doneText, mistake }: ModelList): Markup {
  const approved = models.filter(model => model.approvals.length > 0).length
  const hidden = Object.entries(chosen).filter(([name]) => name !== 'q')
  return html`<div class="beside"><section><h1>Models</h1>${done(doneText)}${problem(mistake)}<p>A phone gets a certificate only when its model is approved. ${approved === 0 ? 'None of those below is.' : `${approved} of the ${models.length} below ${approved === 1 ? 'is' : 'are'}.`}</p>
<form role="search" aria-label="Narrow the models" method="get" action="/console/models" class="actions">${hidden.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}<label class="unseen" for="f-models">Narrow by name</label>
<input type="search" id="f-models" name="q" value="${chosen['q'] ?? ''}" maxlength="100" placeholder="Name or product type" class="wide" data-filter="models" spellcheck="false" autocapitalize="none"><button type="submit">Narrow</button>${Object.keys(chosen).length > 0 && html`<a href="/console/models">all ${total}</a>`}</form>
${facetLinks(chosen)}${mayApprove && html`<details><summary>Approve many at once</summary>${presetLinks()}${byWildcard}</details>
<details><summary>Withdraw many at once</summary>${presetWithdrawals(ctx)}</details>`}</section><div>${modelWordsExplained}</div></div>
${mayApprove ? html`<form method="post" action="/console/models/approve">${csrfField(ctx)}
${models.length > 0 && html`<div class="actions"><button type="submit">Approve what is ticked</button><button type="submit" formaction="/console/models/withdraw">Withdraw what is ticked…</button><span class="soft" id="models-count" role="status"></span></div>`}
${tableOf(models, true)}</form>` : tableOf(models, false)}
${unknown.length > 0 && html`<section><h2>Seen here, not in the catalogue</h2><p>${unknown.slice(0, 50).map((type, index) => html`${index > 0 && ', '}<code>${named(type.slice(0, 100))}</code>`)}${unknown.length > 50 && html` and ${unknown.length - 50} more`}</p><p class="soft">They are newer than the catalogue, or inventions. Until the catalogue has them they wait in quarantine at best.</p></section>`}
<p class="soft">Catalogue of ${version}, ${total} models.${mayApprove && html` <a href="/console/models/update">Bring newer models and builds</a>`}</p>`
}

const fact = (value: boolean | null): string => value === null ? '–' : value ? 'yes' : 'no'

/** Kept short: the whole catalogue stands on one page, so that it can be filtered while typing. */
function tableOf(models: readonly ModelView[], mayApprove: boolean): Markup {
  if (models.length === 0) return html`<p class="empty">No model of the catalogue is like that.</p>`
  return html`<div class="scroll" role="region" aria-labelledby="models-caption" tabindex="0"><table id="models"><caption id="models-caption">${models.length} models</caption>
<thead><tr><th scope="col">Model</th><th scope="col">Since</th><th scope="col">Storage encrypted</th><th scope="col">Secure Enclave</th><th scope="col">Attests its model</th><th scope="col">New versions</th><th scope="col">Seen</th><th scope="col">Approved from</th></tr></thead><tbody>
${models.map(model => html`<tr><th scope="row">${mayApprove && html`<input type="checkbox" name="model" value="${model.identifier}" aria-label="${model.identifier}"> `}<a href="/console/models/${model.identifier}">${model.name}</a> <code>${model.identifier}</code></th><td>${model.released?.slice(0, 4) ?? '–'}</td><td>${fact(model.storageEncryption)}</td><td>${fact(model.secureEnclave)}</td><td>${fact(model.attestsModel)}</td><td>${fact(model.stillSupported)}</td><td>${model.seen ? 'here' : ''}</td><td>${approval(model)}</td></tr>
`)}</tbody></table></div>`
}

/** The least evidence that any approval in force asks for. */
function approval({ approvals }: ModelView): Markup | string {
  const least = (['listed', 'signed', 'attested'] as const).find(grade => approvals.some(({ leastEvidence }) => leastEvidence === grade))
  return least === undefined ? '' : html`<span class="state good">${least}</span>`
}
