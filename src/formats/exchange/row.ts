/** One thing that was exported. */
export type ExportValue = string | boolean | readonly string[] | null
/** @property kind  the DSC resource; null where only the columns say what it is. @property values  by name in lower case */
export type ExportRow = { readonly kind: string | null, readonly values: ReadonlyMap<string, ExportValue> }
