/** What an inventory says otherwise than a phone, in sentences. */
import type { InventoryEntry, InventoryFinding } from './inventory.ts'

type Entry = Pick<InventoryEntry, 'serialNumber' | 'udid' | 'model' | 'ownerEmail'> & { readonly productTypes: readonly string[] }
type Phone = { readonly productType: string, readonly serialNumber: string, readonly personEmail: string }

export function inventorySentence(finding: InventoryFinding, entries: readonly Entry[], { productType, serialNumber, personEmail }: Phone): string {
  const said = (of: (entry: Entry) => string | null): string => [...new Set(entries.map(of).filter(text => text !== null))].join(', ')
  switch (finding) {
    case 'other-model': return `The inventory has ${serialNumber} as ${said(({ model, productTypes }) => model ?? productTypes.join(' or '))}, and the phone said that it is ${productType}.`
    case 'other-serial-number': return `The inventory has this UDID under another serial number: ${said(entry => entry.serialNumber === serialNumber.toUpperCase() ? null : entry.serialNumber)}, and not ${serialNumber}.`
    case 'other-udid': return `The inventory has ${serialNumber} with another UDID: ${said(({ udid }) => udid)}.`
    case 'other-owner': return `The inventory has it as the device of ${said(({ ownerEmail }) => ownerEmail)}, and ${personEmail} has enrolled it.`
  }
}
