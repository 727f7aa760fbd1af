import { z } from 'zod'
import { activeAuthority, authorityNamed, type Authority } from '../../../certificates/authority.ts'
import { entriesOfList, rootList } from '../../../certificates/hierarchy.ts'
import { openImportedKey, parseRootCrl } from '../../../certificates/import.ts'
import type { NewCrl } from '../../../certificates/publish.ts'
import { revocationReasons, type RevocationReason } from '../../../certificates/revoke.ts'
import { CaError } from '../../../errors.ts'
import type { CrlEntry } from '../../../formats/crl.ts'
import { toPem } from '../../../formats/pem.ts'
import { assertLocal } from '../../../http/actor.ts'
import { change } from '../../../http/change.ts'
import type { Service } from '../../../http/service.ts'
import { renewDueSigners } from '../../../http/upkeep.ts'
import { openCeremony } from '../../../keys/ceremony.ts'
import { hierarchyStore } from '../../../store/authorities.ts'
import { crlFileStore } from '../../../store/crls.ts'
import type { Queryable } from '../../../store/db.ts'
import { at, instant, nothing } from '../fields.ts'
import { operation } from '../operation.ts'
import { authorityView, viewOfAuthority } from './authority-view.ts'
import { reasonNames } from './certificate-view.ts'

const rootCrlView = z.strictObject({ crlNumber: z.int(), thisUpdate: instant, nextUpdate: instant, entries: z.int() })

export const authorityShow = operation({
  id: 'authorityShow', method: 'get', path: '/authorities', role: 'auditor',
  summary: 'The certificate authorities, what signs for them, and the root’s own list.',
  input: nothing,
  output: z.strictObject({ items: z.array(authorityView), rootCrl: rootCrlView.nullable() }),
  async run(service) {
    const authorities = service.authorities()
    const root = activeAuthority(authorities, 'root')
    const list = await newestRootList(service.db, root)
    return {
      items: authorities.all.map(authority => viewOfAuthority(authorities, authority)),
      rootCrl: list === undefined ? null : { crlNumber: list.crlNumber, thisUpdate: at(list.thisUpdate), nextUpdate: at(list.nextUpdate), entries: list.entries.length },
    }
  },
})

export const authorityExportRoot = operation({
  id: 'authorityExportRoot', method: 'post', path: '/authorities/root/export', role: 'admin',
  summary: 'The root’s private key, encrypted under a passphrase of yours; with `remove` it is taken away from here for good. Only by the socket on the service’s machine.',
  input: z.strictObject({ passphrase: z.string().min(20).max(1000), remove: z.boolean().default(false) }),
  output: z.strictObject({ encryptedPrivateKey: z.string(), certificate: z.string(), removed: z.boolean() }),
  async run(service, actor, { passphrase, remove }) {
    // Who has this key can make phones and front ends believe anything: a token that leaked must not be enough.
    assertLocal(actor)
    const root = activeAuthority(service.authorities(), 'root')
    const encryptedPrivateKey = await service.keyring.exportKey(root.key, passphrase)
    await change(service, actor, async (tx, record, now) => {
      if (remove) {
        // The list has to last for years from now on, because nobody here can sign another.
        const previous = await lockRootList(tx, root)
        if (previous === undefined || seconds(previous.thisUpdate) < seconds(now)) {
          const number = (previous?.crlNumber ?? 0) + 1
          await hierarchyStore(tx).addCrl(root.id, number, [await rootList(service.keyring, root, number, now, previous?.entries)])
        }
        await hierarchyStore(tx).removePrivateKey(root.key.id)
      }
      await record('authority.export-root', `authority:${root.name}`, { removed: remove })
    })
    if (remove) await service.reload()
    return { encryptedPrivateKey, certificate: toPem('CERTIFICATE', root.certificate.raw), removed: remove }
  },
})

export const authorityRootCrl = operation({
  id: 'authorityRootCrl', method: 'post', path: '/authorities/root/crl', role: 'admin',
  summary: 'A new list of the root: signed with the root’s key here, with the key given back for this once, or elsewhere.',
  input: z.strictObject({
    /** The root’s key, encrypted PKCS#8 in PEM. It is used for this list and not kept. */
    privateKey: z.string().max(20_000).optional(),
    passphrase: z.string().max(1000).optional(),
    /** A list that was signed elsewhere, in PEM. */
    crl: z.string().max(500_000).optional(),
    /** An issuing authority that the root takes back, for good. */
    revoke: z.strictObject({ authority: z.string().max(40), reason: z.enum(reasonNames).exclude(['certificateHold']).default('unspecified') }).optional(),
  }).refine(({ crl, privateKey, revoke }) => crl === undefined || (privateKey === undefined && revoke === undefined), 'a list that was signed elsewhere needs nothing else'),
  output: rootCrlView,
  async run(service, actor, input) {
    const root = activeAuthority(service.authorities(), 'root')
    const crl = await change(service, actor, async (tx, record, now) => {
      const previous = await lockRootList(tx, root)
      const number = (previous?.crlNumber ?? 0) + 1
      if (previous !== undefined && seconds(now) <= seconds(previous.thisUpdate)) throw new CaError('conflict', 'a list of this very second exists: ask again in the next')
      const next = input.crl === undefined
        ? await signRootList(service, root, number, now, entriesFor(service, root, previous?.entries ?? [], input.revoke, now), input)
        : parseRootCrl(input.crl, root.certificate, number, now)
      await hierarchyStore(tx).addCrl(root.id, next.crlNumber, [next])
      await record('authority.root-crl', `authority:${root.name}`, { crlNumber: next.crlNumber, nextUpdate: next.nextUpdate, revoked: input.revoke ?? null })
      return next
    })
    return { crlNumber: crl.crlNumber, thisUpdate: at(crl.thisUpdate), nextUpdate: at(crl.nextUpdate), entries: crl.entries }
  },
})

const seconds = (instantOf: Date): number => Math.floor(instantOf.getTime() / 1000)

async function lockRootList(tx: Queryable, root: Authority) {
  await tx.query('select 1 from authorities where id = $1 for no key update', [root.id])
  return await newestRootList(tx, root)
}

async function newestRootList(db: Queryable, root: Authority) {
  const head = await crlFileStore(db).newest(root.id, 'complete')
  const der = head === undefined ? undefined : await crlFileStore(db).read(head)
  return head === undefined || der === undefined ? undefined : { ...head, entries: entriesOfList(der) }
}

function entriesFor(service: Service, root: Authority, listed: CrlEntry[], revoke: { authority: string, reason: string } | undefined, now: Date): CrlEntry[] {
  if (revoke === undefined) return listed
  const authority = authorityNamed(service.authorities(), revoke.authority)
  if (authority.parentId !== root.id || authority.active) {
    throw new CaError('invalid-argument', 'only an issuing authority of this root that no longer issues can be taken back: import its successor first')
  }
  const serialNumber = Buffer.from(authority.certificate.serialNumber, 'hex')
  if (listed.some(entry => entry.serialNumber.equals(serialNumber))) throw new CaError('certificate-already-revoked', 'this authority is on the list already')
  return [...listed, { serialNumber, revocationDate: new Date(seconds(now) * 1000), reason: revocationReasons[revoke.reason as RevocationReason] }]
}

async function signRootList(service: Service, root: Authority, number: number, now: Date, entries: CrlEntry[], given: { privateKey?: string | undefined, passphrase?: string | undefined }): Promise<NewCrl> {
  if (given.privateKey === undefined) return await rootList(service.keyring, root, number, now, entries)
  const ceremony = openCeremony(openImportedKey(given.privateKey, given.passphrase, root.certificate))
  return await rootList(ceremony.keyring, { certificate: root.certificate, key: ceremony.key }, number, now, entries)
}

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
