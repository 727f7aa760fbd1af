import { z } from 'zod'
import { accessLevels, characteristics } from '../../../formats/exchange/inventory.ts'
import { blockedBuilds, exchangeFence, textsByModel, type BlockedModel } from '../../../policy/export/exchange-blocks.ts'
import { loadPolicy } from '../../../store/policy-snapshot.ts'
import { nothing } from '../fields.ts'
import { operation } from '../operation.ts'

export const exchangeRulesExport = operation({
  id: 'exchangeRulesExport', method: 'get', path: '/export/exchange-rules', role: 'auditor',
  summary: 'Device access rules for Exchange that block what policy blocks now, and what such a second fence is worth.',
  input: nothing,
  output: z.strictObject({
    rules: z.array(z.strictObject({ characteristic: z.enum(characteristics), queryString: z.string(), accessLevel: z.enum(accessLevels) })),
    worth: z.array(z.strictObject({ code: z.string(), text: z.string() })),
  }),
  async run(service) {
    const [catalogue, now] = [service.catalogue(), service.now()]
    const policy = await loadPolicy(service.db, { deviceId: null, now, trustTestDevices: false })
    const blocked: BlockedModel[] = []
    for (const [productType, texts] of textsByModel(catalogue)) {
      blocked.push(blockedBuilds(catalogue, policy, productType, texts, now))
      // Some ten thousand decisions: those who ask meanwhile whether a phone may in are not to wait for all of them.
      await new Promise(resolve => { setImmediate(resolve) })
    }
    const { rules, worth } = exchangeFence(blocked, catalogue.version)
    return { rules: [...rules], worth: [...worth] }
  },
})
