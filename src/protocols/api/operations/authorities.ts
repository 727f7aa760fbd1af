import { z } from 'zod'
import { change } from '../../../http/change.ts'
import { newestRootList } from '../../../http/root-lists.ts'
import { renewDueSigners } from '../../../http/upkeep.ts'
import { nothing } from '../fields.ts'
import { operation } from '../operation.ts'
import { authorityView, rootCrlView, viewOfAuthority, viewOfRootCrl } from './authority-view.ts'

export const authorityShow = operation({
  id: 'authorityShow', method: 'get', path: '/authorities', role: 'auditor',
  summary: 'The certificate authorities, what signs for them, and the roots’ own lists.',
  input: nothing,
  output: z.strictObject({ items: z.array(authorityView), rootCrls: z.array(rootCrlView) }),
  async run(service) {
    const authorities = service.authorities()
    const rootCrls: z.input<typeof rootCrlView>[] = []
    for (const root of authorities.all.filter(({ role }) => role === 'root')) {
      const list = await newestRootList(service.db, root)
      if (list !== undefined) rootCrls.push(viewOfRootCrl(root, list, list.entries.length))
    }
    return { items: authorities.all.map(authority => viewOfAuthority(authorities, authority)), rootCrls }
  },
})

export const authorityRenewSigners = operation({
  id: 'authorityRenewSigners', method: 'post', path: '/authorities/renew-signers', role: 'admin',
  summary: 'Renew what signs for the authorities: what is near its end, or all of it.',
  input: z.strictObject({ all: z.boolean().default(false) }),
  output: z.strictObject({ renewed: z.int() }),
  async run(service, actor, { all }) {
    const renewed = await renewDueSigners(service, all)
    await change(service, actor, async (_tx, record) => { await record('authority.renew-signers', 'authority', { renewed, all }) })
    return { renewed }
  },
})
