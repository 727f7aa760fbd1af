import Router from '@koa/router'
import type { Context } from 'koa'
import { accessRuleScript } from '../../formats/exchange/commands.ts'
import { parseJson } from '../../http/body.ts'
import { CaError } from '../../errors.ts'
import { readForm, seeOther, type Form } from '../../http/form.ts'
import type { Service } from '../../http/service.ts'
import { exchangeRulesExport } from '../../protocols/api/operations/exchange-export.ts'
import { importExchangeDevices, importExchangeRules, importRewriteRules } from '../../protocols/api/operations/imports.ts'
import { inviteBatch } from '../../protocols/api/operations/invitation-batch.ts'
import { policyPreview } from '../../protocols/api/operations/policy-changes.ts'
import type { Markup } from '../html.ts'
import { consolePage } from '../layout.ts'
import { mayPerform, perform, refusalOf } from '../perform.ts'
import { previewed, type Edit } from '../policy/preview.ts'
import { sendFile } from '../send-file.ts'
import { exchangeReport, importPage, peopleReport, rewriteReport, type ImportValues } from './pages.ts'

/** Rules and settings are small; lists of ten thousand phones are for the command. */
const maxPastedBytes = 4 * 1024 * 1024

export function importRouter(service: Service): Router {
  const router = new Router({ prefix: '/console/policy/import' })
  router.get('/', ctx => { show(ctx, { rules: '', settings: '', phones: '', ruleset: '', aim: '' }) })
  router.get('/exchange-rules.ps1', async ctx => {
    // In UTF-8 with its mark: PowerShell 5 takes a file without one for Latin-1.
    sendFile(ctx, 'exchange-rules.ps1', 'text/plain; charset=utf-8', `\ufeff${accessRuleScript(await perform(ctx, service, exchangeRulesExport, {}))}`)
  })
  router.post('/exchange', async ctx => await answer(ctx, async values => {
    const files = [values.rules, values.settings, values.phones].filter(text => text.trim() !== '')
    if (files.length === 0) throw new CaError('invalid-argument', 'paste the rules, the settings or the phones')
    return exchangeReport(ctx, await perform(ctx, service, importExchangeRules, { files }), mayPerform(ctx, policyPreview))
  }))
  router.post('/people', async ctx => await answer(ctx, async ({ phones }) => {
    if (phones.trim() === '') throw new CaError('invalid-argument', 'paste the phones')
    return peopleReport(ctx, await perform(ctx, service, importExchangeDevices, { files: [phones] }), mayPerform(ctx, inviteBatch))
  }))
  router.post('/rewrite', async ctx => await answer(ctx, async ({ ruleset, aim }) =>
    rewriteReport(ctx, await perform(ctx, service, importRewriteRules, { ruleset, ...aim !== '' && { aim } }), mayPerform(ctx, policyPreview))))
  router.post('/preview', async ctx => await preview(ctx, service, await readForm(ctx)))
  return router
}

async function answer(ctx: Context, report: (values: ImportValues) => Promise<Markup>): Promise<void> {
  const form = await readForm(ctx, maxPastedBytes)
  const values = { rules: form.raw('rules'), settings: form.raw('settings'), phones: form.raw('phones'), ruleset: form.raw('ruleset'), aim: form.get('aim') }
  try {
    show(ctx, values, { report: await report(values) })
  } catch (error) {
    show(ctx, values, { mistake: refusalOf(error, 'malformed-exchange-export', 'malformed-csv', 'malformed-rewrite-rules', 'unsupported-rewrite-rules', 'body-too-large', 'rate-limited') })
  }
}

function show(ctx: Context, values: ImportValues, more: { mistake?: string, report?: Markup } = {}): void {
  consolePage(ctx, { title: 'Coming from what you have', current: 'policy', body: importPage(ctx, { values, ...more }), ...more.mistake !== undefined && { status: 400 } })
}

/** One part of a proposal, which comes back from the page and is checked like any other. */
async function preview(ctx: Context, service: Service, form: Form): Promise<void> {
  if (!mayPerform(ctx, policyPreview)) throw new CaError('forbidden', `this needs the role ${policyPreview.role}`)
  seeOther(ctx, await previewed(ctx, service, parseJson(Buffer.from(form.raw('edit'))) as Edit))
}
