import Lake
open Lake DSL

package lemmaforge where
  srcDir := "lean_project"
  leanOptions := #[⟨`autoImplicit, false⟩, ⟨`linter.missingDocs, true⟩]

@[default_target]
lean_lib LemmaForge

/-- The server that speaks docs/protocol.md on its standard streams. -/
@[default_target]
lean_exe «lemmaforge-server» where
  root := `Main
  supportInterpreter := true
