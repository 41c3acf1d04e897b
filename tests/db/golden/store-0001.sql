BEGIN TRANSACTION;
CREATE TABLE harvests (
	id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	unit_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	name_id INTEGER NOT NULL, 
	failure TEXT NOT NULL, 
	CONSTRAINT pk_harvests PRIMARY KEY (id), 
	CONSTRAINT fk_harvests_run_id FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE, 
	CONSTRAINT fk_harvests_unit_id FOREIGN KEY(unit_id) REFERENCES units (id) ON DELETE CASCADE, 
	CONSTRAINT fk_harvests_name_id FOREIGN KEY(name_id) REFERENCES names (id), 
	CONSTRAINT uq_harvests_unit_id_position UNIQUE (unit_id, position)
);
INSERT INTO "harvests" VALUES(1,1,1,0,6,'');
INSERT INTO "harvests" VALUES(2,1,1,1,7,'');
CREATE TABLE lemmaforge_schema (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT lemmaforge_schema_pkc PRIMARY KEY (version_num)
);
INSERT INTO "lemmaforge_schema" VALUES('0001');
CREATE TABLE libraries (
	id INTEGER NOT NULL, 
	digest TEXT NOT NULL, 
	name TEXT NOT NULL, 
	toolchain TEXT NOT NULL, 
	imports TEXT NOT NULL, 
	root TEXT, 
	CONSTRAINT pk_libraries PRIMARY KEY (id), 
	CONSTRAINT uq_libraries_digest UNIQUE (digest)
);
INSERT INTO "libraries" VALUES(1,'1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f','Init','4.28.0-pre 38f3c0c','["Init"]',NULL);
CREATE TABLE mark_sets (
	id INTEGER NOT NULL, 
	text TEXT NOT NULL, 
	CONSTRAINT pk_mark_sets PRIMARY KEY (id), 
	CONSTRAINT uq_mark_sets_text UNIQUE (text)
);
INSERT INTO "mark_sets" VALUES(1,'["side-goals","trivial:omega"]');
INSERT INTO "mark_sets" VALUES(2,'["side-goals"]');
INSERT INTO "mark_sets" VALUES(3,'["trivial:simp"]');
INSERT INTO "mark_sets" VALUES(4,'[]');
CREATE TABLE modules (
	id INTEGER NOT NULL, 
	library_id INTEGER NOT NULL, 
	name_id INTEGER NOT NULL, 
	digest TEXT NOT NULL, 
	path TEXT, 
	imports TEXT NOT NULL, 
	CONSTRAINT pk_modules PRIMARY KEY (id), 
	CONSTRAINT fk_modules_library_id FOREIGN KEY(library_id) REFERENCES libraries (id) ON DELETE CASCADE, 
	CONSTRAINT fk_modules_name_id FOREIGN KEY(name_id) REFERENCES names (id), 
	CONSTRAINT uq_modules_library_id_name_id UNIQUE (library_id, name_id)
);
INSERT INTO "modules" VALUES(1,1,2,'0000000000000000000000000000000000000000000000000000000000000000','Init/Data/M0.lean','["Init.Core","Init.Prelude"]');
CREATE TABLE mutants (
	id INTEGER NOT NULL, 
	canonical BLOB NOT NULL, 
	harvest_id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	depth SMALLINT NOT NULL, 
	marks_id INTEGER NOT NULL, 
	size INTEGER NOT NULL, 
	lineage TEXT NOT NULL, 
	statement TEXT NOT NULL, 
	proof TEXT NOT NULL, 
	CONSTRAINT pk_mutants PRIMARY KEY (id), 
	CONSTRAINT fk_mutants_harvest_id FOREIGN KEY(harvest_id) REFERENCES harvests (id) ON DELETE CASCADE, 
	CONSTRAINT fk_mutants_marks_id FOREIGN KEY(marks_id) REFERENCES mark_sets (id), 
	CONSTRAINT uq_mutants_canonical UNIQUE (canonical)
);
INSERT INTO "mutants" VALUES(1,X'CFCD208495D565EF66E7DFF9F98764DA',1,'rw',1,4,40,'[["rw","h₁",16]]','.{u} {α : Type u} [BEq α] [LawfulBEq α] {a b : α} {l₁ l₂ : List α} (h : a ∈ l₁) (h₁ : l₁.length + 0 = l₂.length) : (List.erase l₁ a ++ l₂.erase b).length + 1 = l₂.length + (l₁.length - 1)','by
  have parent := @List.erase_length_0 α _ _ a b l₁ l₂ h h₁
  rw [Nat.add_comm l₁.length 0] at parent
  simp only [List.length_append, List.length_erase_of_mem] at parent
  exact parent');
INSERT INTO "mutants" VALUES(2,X'C4CA4238A0B923820DCC509A6F75849B',1,'apply',2,3,41,'[["specialize","h",null,0,"n := 0"],["apply","h₁",17]]','.{u} {α : Type u} [BEq α] [LawfulBEq α] {a b : α} {l₁ l₂ : List α} (h : a ∈ l₁) (h₁ : l₁.length + 1 = l₂.length) : (List.erase l₁ a ++ l₂.erase b).length + 1 = l₂.length + (l₁.length - 1)','by
  have parent := @List.erase_length_0 α _ _ a b l₁ l₂ h h₁
  rw [Nat.add_comm l₁.length 1] at parent
  simp only [List.length_append, List.length_erase_of_mem] at parent
  exact parent');
INSERT INTO "mutants" VALUES(3,X'C81E728D9D4C2F636F067F89CC14862C',1,'forward',3,2,42,'[["rw","⊢",41,0,"1.0.1"],["specialize","h",null,0,"n := 0"],["forward","h₁",27]]','.{u} {α : Type u} [BEq α] [LawfulBEq α] {a b : α} {l₁ l₂ : List α} (h : a ∈ l₁) (h₁ : l₁.length + 2 = l₂.length) : (List.erase l₁ a ++ l₂.erase b).length + 1 = l₂.length + (l₁.length - 1)','by
  have parent := @List.erase_length_0 α _ _ a b l₁ l₂ h h₁
  rw [Nat.add_comm l₁.length 2] at parent
  simp only [List.length_append, List.length_erase_of_mem] at parent
  exact parent');
INSERT INTO "mutants" VALUES(4,X'ECCBC87E4B5CE2FE28308FD9F2A7BAF3',1,'specialize',1,1,43,'[["specialize","h₁",32]]','.{u} {α : Type u} [BEq α] [LawfulBEq α] {a b : α} {l₁ l₂ : List α} (h : a ∈ l₁) (h₁ : l₁.length + 3 = l₂.length) : (List.erase l₁ a ++ l₂.erase b).length + 1 = l₂.length + (l₁.length - 1)','by
  have parent := @List.erase_length_0 α _ _ a b l₁ l₂ h h₁
  rw [Nat.add_comm l₁.length 3] at parent
  simp only [List.length_append, List.length_erase_of_mem] at parent
  exact parent');
INSERT INTO "mutants" VALUES(5,X'A87FF679A2F3E71D9181A67B7542122C',1,'contrapose',2,4,44,'[["specialize","h",null,0,"n := 0"],["contrapose","h₁",33]]','.{u} {α : Type u} [BEq α] [LawfulBEq α] {a b : α} {l₁ l₂ : List α} (h : a ∈ l₁) (h₁ : l₁.length + 4 = l₂.length) : (List.erase l₁ a ++ l₂.erase b).length + 1 = l₂.length + (l₁.length - 1)','by
  have parent := @List.erase_length_0 α _ _ a b l₁ l₂ h h₁
  rw [Nat.add_comm l₁.length 4] at parent
  simp only [List.length_append, List.length_erase_of_mem] at parent
  exact parent');
INSERT INTO "mutants" VALUES(6,X'E4DA3B7FBBCE2345D7772B0674A318D5',1,'split',3,3,45,'[["rw","⊢",44,1,"1.0.1"],["specialize","h",null,0,"n := 0"],["split","h₁",34]]','.{u} {α : Type u} [BEq α] [LawfulBEq α] {a b : α} {l₁ l₂ : List α} (h : a ∈ l₁) (h₁ : l₁.length + 5 = l₂.length) : (List.erase l₁ a ++ l₂.erase b).length + 1 = l₂.length + (l₁.length - 1)','by
  have parent := @List.erase_length_0 α _ _ a b l₁ l₂ h h₁
  rw [Nat.add_comm l₁.length 5] at parent
  simp only [List.length_append, List.length_erase_of_mem] at parent
  exact parent');
INSERT INTO "mutants" VALUES(7,X'1679091C5A880FAF6FB5E6087EB1B2DC',1,'symm',1,2,46,'[["symm","h₁"]]','.{u} {α : Type u} [BEq α] [LawfulBEq α] {a b : α} {l₁ l₂ : List α} (h : a ∈ l₁) (h₁ : l₁.length + 6 = l₂.length) : (List.erase l₁ a ++ l₂.erase b).length + 1 = l₂.length + (l₁.length - 1)','by
  have parent := @List.erase_length_0 α _ _ a b l₁ l₂ h h₁
  rw [Nat.add_comm l₁.length 6] at parent
  simp only [List.length_append, List.length_erase_of_mem] at parent
  exact parent');
INSERT INTO "mutants" VALUES(8,X'8F14E45FCEEA167A5A36DEDD4BEA2543',1,'unfold',2,1,47,'[["specialize","h",null,0,"n := 0"],["unfold","h₁",35]]','.{u} {α : Type u} [BEq α] [LawfulBEq α] {a b : α} {l₁ l₂ : List α} (h : a ∈ l₁) (h₁ : l₁.length + 7 = l₂.length) : (List.erase l₁ a ++ l₂.erase b).length + 1 = l₂.length + (l₁.length - 1)','by
  have parent := @List.erase_length_0 α _ _ a b l₁ l₂ h h₁
  rw [Nat.add_comm l₁.length 7] at parent
  simp only [List.length_append, List.length_erase_of_mem] at parent
  exact parent');
INSERT INTO "mutants" VALUES(9,X'C9F0F895FB98AB9159F51FD0297E236D',1,'generalize',3,4,48,'[["rw","⊢",45,0,"1.0.1"],["specialize","h",null,0,"n := 0"],["generalize","h₁",36]]','.{u} {α : Type u} [BEq α] [LawfulBEq α] {a b : α} {l₁ l₂ : List α} (h : a ∈ l₁) (h₁ : l₁.length + 8 = l₂.length) : (List.erase l₁ a ++ l₂.erase b).length + 1 = l₂.length + (l₁.length - 1)','by
  have parent := @List.erase_length_0 α _ _ a b l₁ l₂ h h₁
  rw [Nat.add_comm l₁.length 8] at parent
  simp only [List.length_append, List.length_erase_of_mem] at parent
  exact parent');
INSERT INTO "mutants" VALUES(10,X'45C48CCE2E2D7FBDEA1AFC51C7C6AD26',1,'rw',1,3,49,'[["rw","h₁",37]]','.{u} {α : Type u} [BEq α] [LawfulBEq α] {a b : α} {l₁ l₂ : List α} (h : a ∈ l₁) (h₁ : l₁.length + 9 = l₂.length) : (List.erase l₁ a ++ l₂.erase b).length + 1 = l₂.length + (l₁.length - 1)','by
  have parent := @List.erase_length_0 α _ _ a b l₁ l₂ h h₁
  rw [Nat.add_comm l₁.length 9] at parent
  simp only [List.length_append, List.length_erase_of_mem] at parent
  exact parent');
INSERT INTO "mutants" VALUES(11,X'D3D9446802A44259755D38E6D163E820',1,'apply',2,2,50,'[["specialize","h",null,0,"n := 0"],["apply","h₁",18]]','.{u} {α : Type u} [BEq α] [LawfulBEq α] {a b : α} {l₁ l₂ : List α} (h : a ∈ l₁) (h₁ : l₁.length + 10 = l₂.length) : (List.erase l₁ a ++ l₂.erase b).length + 1 = l₂.length + (l₁.length - 1)','by
  have parent := @List.erase_length_0 α _ _ a b l₁ l₂ h h₁
  rw [Nat.add_comm l₁.length 10] at parent
  simp only [List.length_append, List.length_erase_of_mem] at parent
  exact parent');
INSERT INTO "mutants" VALUES(12,X'6512BD43D9CAA6E02C990B0A82652DCA',1,'forward',3,1,51,'[["rw","⊢",38,1,"1.0.1"],["specialize","h",null,0,"n := 0"],["forward","h₁",19]]','.{u} {α : Type u} [BEq α] [LawfulBEq α] {a b : α} {l₁ l₂ : List α} (h : a ∈ l₁) (h₁ : l₁.length + 11 = l₂.length) : (List.erase l₁ a ++ l₂.erase b).length + 1 = l₂.length + (l₁.length - 1)','by
  have parent := @List.erase_length_0 α _ _ a b l₁ l₂ h h₁
  rw [Nat.add_comm l₁.length 11] at parent
  simp only [List.length_append, List.length_erase_of_mem] at parent
  exact parent');
INSERT INTO "mutants" VALUES(13,X'C20AD4D76FE97759AA27A0C99BFF6710',2,'specialize',1,4,52,'[["specialize","h₁",20]]','.{u} {α : Type u} [BEq α] [LawfulBEq α] {a b : α} {l₁ l₂ : List α} (h : a ∈ l₁) (h₁ : l₁.length + 12 = l₂.length) : (List.erase l₁ a ++ l₂.erase b).length + 1 = l₂.length + (l₁.length - 1)','by
  have parent := @List.erase_length_1 α _ _ a b l₁ l₂ h h₁
  rw [Nat.add_comm l₁.length 12] at parent
  simp only [List.length_append, List.length_erase_of_mem] at parent
  exact parent');
INSERT INTO "mutants" VALUES(14,X'C51CE410C124A10E0DB5E4B97FC2AF39',2,'contrapose',2,3,53,'[["specialize","h",null,0,"n := 0"],["contrapose","h₁",21]]','.{u} {α : Type u} [BEq α] [LawfulBEq α] {a b : α} {l₁ l₂ : List α} (h : a ∈ l₁) (h₁ : l₁.length + 13 = l₂.length) : (List.erase l₁ a ++ l₂.erase b).length + 1 = l₂.length + (l₁.length - 1)','by
  have parent := @List.erase_length_1 α _ _ a b l₁ l₂ h h₁
  rw [Nat.add_comm l₁.length 13] at parent
  simp only [List.length_append, List.length_erase_of_mem] at parent
  exact parent');
INSERT INTO "mutants" VALUES(15,X'AAB3238922BCC25A6F606EB525FFDC56',2,'split',3,2,54,'[["rw","⊢",39,0,"1.0.1"],["specialize","h",null,0,"n := 0"],["split","h₁",22]]','.{u} {α : Type u} [BEq α] [LawfulBEq α] {a b : α} {l₁ l₂ : List α} (h : a ∈ l₁) (h₁ : l₁.length + 14 = l₂.length) : (List.erase l₁ a ++ l₂.erase b).length + 1 = l₂.length + (l₁.length - 1)','by
  have parent := @List.erase_length_1 α _ _ a b l₁ l₂ h h₁
  rw [Nat.add_comm l₁.length 14] at parent
  simp only [List.length_append, List.length_erase_of_mem] at parent
  exact parent');
INSERT INTO "mutants" VALUES(16,X'9BF31C7FF062936A96D3C8BD1F8F2FF3',2,'symm',1,1,55,'[["symm","h₁"]]','.{u} {α : Type u} [BEq α] [LawfulBEq α] {a b : α} {l₁ l₂ : List α} (h : a ∈ l₁) (h₁ : l₁.length + 15 = l₂.length) : (List.erase l₁ a ++ l₂.erase b).length + 1 = l₂.length + (l₁.length - 1)','by
  have parent := @List.erase_length_1 α _ _ a b l₁ l₂ h h₁
  rw [Nat.add_comm l₁.length 15] at parent
  simp only [List.length_append, List.length_erase_of_mem] at parent
  exact parent');
INSERT INTO "mutants" VALUES(17,X'C74D97B01EAE257E44AA9D5BADE97BAF',2,'unfold',2,4,56,'[["specialize","h",null,0,"n := 0"],["unfold","h₁",23]]','.{u} {α : Type u} [BEq α] [LawfulBEq α] {a b : α} {l₁ l₂ : List α} (h : a ∈ l₁) (h₁ : l₁.length + 16 = l₂.length) : (List.erase l₁ a ++ l₂.erase b).length + 1 = l₂.length + (l₁.length - 1)','by
  have parent := @List.erase_length_1 α _ _ a b l₁ l₂ h h₁
  rw [Nat.add_comm l₁.length 16] at parent
  simp only [List.length_append, List.length_erase_of_mem] at parent
  exact parent');
INSERT INTO "mutants" VALUES(18,X'70EFDF2EC9B086079795C442636B55FB',2,'generalize',3,3,57,'[["rw","⊢",40,1,"1.0.1"],["specialize","h",null,0,"n := 0"],["generalize","h₁",24]]','.{u} {α : Type u} [BEq α] [LawfulBEq α] {a b : α} {l₁ l₂ : List α} (h : a ∈ l₁) (h₁ : l₁.length + 17 = l₂.length) : (List.erase l₁ a ++ l₂.erase b).length + 1 = l₂.length + (l₁.length - 1)','by
  have parent := @List.erase_length_1 α _ _ a b l₁ l₂ h h₁
  rw [Nat.add_comm l₁.length 17] at parent
  simp only [List.length_append, List.length_erase_of_mem] at parent
  exact parent');
INSERT INTO "mutants" VALUES(19,X'6F4922F45568161A8CDF4AD2299F6D23',2,'rw',1,2,58,'[["rw","h₁",25]]','.{u} {α : Type u} [BEq α] [LawfulBEq α] {a b : α} {l₁ l₂ : List α} (h : a ∈ l₁) (h₁ : l₁.length + 18 = l₂.length) : (List.erase l₁ a ++ l₂.erase b).length + 1 = l₂.length + (l₁.length - 1)','by
  have parent := @List.erase_length_1 α _ _ a b l₁ l₂ h h₁
  rw [Nat.add_comm l₁.length 18] at parent
  simp only [List.length_append, List.length_erase_of_mem] at parent
  exact parent');
INSERT INTO "mutants" VALUES(20,X'1F0E3DAD99908345F7439F8FFABDFFC4',2,'apply',2,1,59,'[["specialize","h",null,0,"n := 0"],["apply","h₁",26]]','.{u} {α : Type u} [BEq α] [LawfulBEq α] {a b : α} {l₁ l₂ : List α} (h : a ∈ l₁) (h₁ : l₁.length + 19 = l₂.length) : (List.erase l₁ a ++ l₂.erase b).length + 1 = l₂.length + (l₁.length - 1)','by
  have parent := @List.erase_length_1 α _ _ a b l₁ l₂ h h₁
  rw [Nat.add_comm l₁.length 19] at parent
  simp only [List.length_append, List.length_erase_of_mem] at parent
  exact parent');
INSERT INTO "mutants" VALUES(21,X'98F13708210194C475687BE6106A3B84',2,'forward',3,4,60,'[["rw","⊢",42,0,"1.0.1"],["specialize","h",null,0,"n := 0"],["forward","h₁",28]]','.{u} {α : Type u} [BEq α] [LawfulBEq α] {a b : α} {l₁ l₂ : List α} (h : a ∈ l₁) (h₁ : l₁.length + 20 = l₂.length) : (List.erase l₁ a ++ l₂.erase b).length + 1 = l₂.length + (l₁.length - 1)','by
  have parent := @List.erase_length_1 α _ _ a b l₁ l₂ h h₁
  rw [Nat.add_comm l₁.length 20] at parent
  simp only [List.length_append, List.length_erase_of_mem] at parent
  exact parent');
INSERT INTO "mutants" VALUES(22,X'3C59DC048E8850243BE8079A5C74D079',2,'specialize',1,3,61,'[["specialize","h₁",29]]','.{u} {α : Type u} [BEq α] [LawfulBEq α] {a b : α} {l₁ l₂ : List α} (h : a ∈ l₁) (h₁ : l₁.length + 21 = l₂.length) : (List.erase l₁ a ++ l₂.erase b).length + 1 = l₂.length + (l₁.length - 1)','by
  have parent := @List.erase_length_1 α _ _ a b l₁ l₂ h h₁
  rw [Nat.add_comm l₁.length 21] at parent
  simp only [List.length_append, List.length_erase_of_mem] at parent
  exact parent');
INSERT INTO "mutants" VALUES(23,X'B6D767D2F8ED5D21A44B0E5886680CB9',2,'contrapose',2,2,62,'[["specialize","h",null,0,"n := 0"],["contrapose","h₁",30]]','.{u} {α : Type u} [BEq α] [LawfulBEq α] {a b : α} {l₁ l₂ : List α} (h : a ∈ l₁) (h₁ : l₁.length + 22 = l₂.length) : (List.erase l₁ a ++ l₂.erase b).length + 1 = l₂.length + (l₁.length - 1)','by
  have parent := @List.erase_length_1 α _ _ a b l₁ l₂ h h₁
  rw [Nat.add_comm l₁.length 22] at parent
  simp only [List.length_append, List.length_erase_of_mem] at parent
  exact parent');
INSERT INTO "mutants" VALUES(24,X'37693CFC748049E45D87B8C7D8B9AACD',2,'split',3,1,63,'[["rw","⊢",43,1,"1.0.1"],["specialize","h",null,0,"n := 0"],["split","h₁",31]]','.{u} {α : Type u} [BEq α] [LawfulBEq α] {a b : α} {l₁ l₂ : List α} (h : a ∈ l₁) (h₁ : l₁.length + 23 = l₂.length) : (List.erase l₁ a ++ l₂.erase b).length + 1 = l₂.length + (l₁.length - 1)','by
  have parent := @List.erase_length_1 α _ _ a b l₁ l₂ h h₁
  rw [Nat.add_comm l₁.length 23] at parent
  simp only [List.length_append, List.length_erase_of_mem] at parent
  exact parent');
CREATE TABLE names (
	id INTEGER NOT NULL, 
	text TEXT NOT NULL, 
	CONSTRAINT pk_names PRIMARY KEY (id), 
	CONSTRAINT uq_names_text UNIQUE (text)
);
INSERT INTO "names" VALUES(1,'Init.Core');
INSERT INTO "names" VALUES(2,'Init.Data.M0');
INSERT INTO "names" VALUES(3,'LE.le');
INSERT INTO "names" VALUES(4,'List');
INSERT INTO "names" VALUES(5,'List.erase');
INSERT INTO "names" VALUES(6,'List.erase_length_0');
INSERT INTO "names" VALUES(7,'List.erase_length_1');
INSERT INTO "names" VALUES(8,'List.erase_length_2');
INSERT INTO "names" VALUES(9,'List.erase_length_3');
INSERT INTO "names" VALUES(10,'List.step_0');
INSERT INTO "names" VALUES(11,'Nat.le_refl');
INSERT INTO "names" VALUES(12,'build');
INSERT INTO "names" VALUES(13,'find');
INSERT INTO "names" VALUES(14,'print');
INSERT INTO "names" VALUES(15,'prove');
INSERT INTO "names" VALUES(16,'List.length_0');
INSERT INTO "names" VALUES(17,'List.length_1');
INSERT INTO "names" VALUES(18,'List.length_10');
INSERT INTO "names" VALUES(19,'List.length_11');
INSERT INTO "names" VALUES(20,'List.length_12');
INSERT INTO "names" VALUES(21,'List.length_13');
INSERT INTO "names" VALUES(22,'List.length_14');
INSERT INTO "names" VALUES(23,'List.length_16');
INSERT INTO "names" VALUES(24,'List.length_17');
INSERT INTO "names" VALUES(25,'List.length_18');
INSERT INTO "names" VALUES(26,'List.length_19');
INSERT INTO "names" VALUES(27,'List.length_2');
INSERT INTO "names" VALUES(28,'List.length_20');
INSERT INTO "names" VALUES(29,'List.length_21');
INSERT INTO "names" VALUES(30,'List.length_22');
INSERT INTO "names" VALUES(31,'List.length_23');
INSERT INTO "names" VALUES(32,'List.length_3');
INSERT INTO "names" VALUES(33,'List.length_4');
INSERT INTO "names" VALUES(34,'List.length_5');
INSERT INTO "names" VALUES(35,'List.length_7');
INSERT INTO "names" VALUES(36,'List.length_8');
INSERT INTO "names" VALUES(37,'List.length_9');
INSERT INTO "names" VALUES(38,'Nat.add_comm_11');
INSERT INTO "names" VALUES(39,'Nat.add_comm_14');
INSERT INTO "names" VALUES(40,'Nat.add_comm_17');
INSERT INTO "names" VALUES(41,'Nat.add_comm_2');
INSERT INTO "names" VALUES(42,'Nat.add_comm_20');
INSERT INTO "names" VALUES(43,'Nat.add_comm_23');
INSERT INTO "names" VALUES(44,'Nat.add_comm_5');
INSERT INTO "names" VALUES(45,'Nat.add_comm_8');
INSERT INTO "names" VALUES(46,'another statement');
INSERT INTO "names" VALUES(47,'filter');
INSERT INTO "names" VALUES(48,'type error');
INSERT INTO "names" VALUES(49,'vacuous');
INSERT INTO "names" VALUES(50,'duplicate');
INSERT INTO "names" VALUES(51,'store');
CREATE TABLE premises (
	id INTEGER NOT NULL, 
	module_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	name_id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	span TEXT NOT NULL, 
	code TEXT NOT NULL, 
	CONSTRAINT pk_premises PRIMARY KEY (id), 
	CONSTRAINT fk_premises_module_id FOREIGN KEY(module_id) REFERENCES modules (id) ON DELETE CASCADE, 
	CONSTRAINT fk_premises_name_id FOREIGN KEY(name_id) REFERENCES names (id), 
	CONSTRAINT uq_premises_module_id_position UNIQUE (module_id, position)
);
INSERT INTO "premises" VALUES(1,1,0,10,'def','[0,0,3,17]','def step_0 := 0');
CREATE TABLE rejects (
	harvest_id INTEGER NOT NULL, 
	stage_id INTEGER NOT NULL, 
	reason_id INTEGER NOT NULL, 
	count INTEGER NOT NULL, 
	example TEXT NOT NULL, 
	CONSTRAINT pk_rejects PRIMARY KEY (harvest_id, stage_id, reason_id), 
	CONSTRAINT fk_rejects_harvest_id FOREIGN KEY(harvest_id) REFERENCES harvests (id) ON DELETE CASCADE, 
	CONSTRAINT fk_rejects_stage_id FOREIGN KEY(stage_id) REFERENCES names (id), 
	CONSTRAINT fk_rejects_reason_id FOREIGN KEY(reason_id) REFERENCES names (id)
)
 WITHOUT ROWID

;
INSERT INTO "rejects" VALUES(1,12,48,3,'(h : 0 = 1) : False');
INSERT INTO "rejects" VALUES(1,14,46,2,': True');
INSERT INTO "rejects" VALUES(1,47,49,1,'');
INSERT INTO "rejects" VALUES(2,12,48,3,'(h : 0 = 1) : False');
INSERT INTO "rejects" VALUES(2,14,46,2,': True');
INSERT INTO "rejects" VALUES(2,47,49,1,'');
CREATE TABLE runs (
	id INTEGER NOT NULL, 
	command TEXT NOT NULL, 
	config TEXT NOT NULL, 
	library_id INTEGER NOT NULL, 
	toolchain TEXT NOT NULL, 
	started DATETIME NOT NULL, 
	finished DATETIME, 
	CONSTRAINT pk_runs PRIMARY KEY (id), 
	CONSTRAINT fk_runs_library_id FOREIGN KEY(library_id) REFERENCES libraries (id)
);
INSERT INTO "runs" VALUES(1,'mutate','{"seed":1}',1,'4.28.0-pre 38f3c0c','2026-03-01 12:00:00.000000',NULL);
CREATE TABLE stages (
	harvest_id INTEGER NOT NULL, 
	stage_id INTEGER NOT NULL, 
	entered INTEGER NOT NULL, 
	seconds FLOAT NOT NULL, 
	CONSTRAINT pk_stages PRIMARY KEY (harvest_id, stage_id), 
	CONSTRAINT fk_stages_harvest_id FOREIGN KEY(harvest_id) REFERENCES harvests (id) ON DELETE CASCADE, 
	CONSTRAINT fk_stages_stage_id FOREIGN KEY(stage_id) REFERENCES names (id)
)
 WITHOUT ROWID

;
INSERT INTO "stages" VALUES(1,12,15,0.5);
INSERT INTO "stages" VALUES(1,13,18,0.25);
INSERT INTO "stages" VALUES(1,14,13,0.125);
INSERT INTO "stages" VALUES(1,15,0,0.0625);
INSERT INTO "stages" VALUES(2,12,15,0.5);
INSERT INTO "stages" VALUES(2,13,18,0.25);
INSERT INTO "stages" VALUES(2,14,13,0.125);
INSERT INTO "stages" VALUES(2,15,0,0.0625);
CREATE TABLE steps (
	id INTEGER NOT NULL, 
	theorem_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	"before" TEXT NOT NULL, 
	tactic TEXT NOT NULL, 
	"after" TEXT NOT NULL, 
	premises TEXT NOT NULL, 
	span TEXT, 
	CONSTRAINT pk_steps PRIMARY KEY (id), 
	CONSTRAINT fk_steps_theorem_id FOREIGN KEY(theorem_id) REFERENCES theorems (id) ON DELETE CASCADE, 
	CONSTRAINT uq_steps_theorem_id_position UNIQUE (theorem_id, position)
);
INSERT INTO "steps" VALUES(1,2,0,'α : Type
⊢ a ≤ b','rw [step_0, Nat.le_refl]','⊢ True','[[10,4,10,2,[0,0,3,17]],[11,12,23,1,null]]','[1,0,4,17]');
INSERT INTO "steps" VALUES(2,2,1,'⊢ True','trivial','no goals','[]',NULL);
CREATE TABLE theorems (
	id INTEGER NOT NULL, 
	module_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	name_id INTEGER NOT NULL, 
	canonical BLOB NOT NULL, 
	kind TEXT NOT NULL, 
	constants TEXT NOT NULL, 
	span TEXT, 
	statement TEXT NOT NULL, 
	code TEXT, 
	CONSTRAINT pk_theorems PRIMARY KEY (id), 
	CONSTRAINT fk_theorems_module_id FOREIGN KEY(module_id) REFERENCES modules (id) ON DELETE CASCADE, 
	CONSTRAINT fk_theorems_name_id FOREIGN KEY(name_id) REFERENCES names (id), 
	CONSTRAINT uq_theorems_module_id_position UNIQUE (module_id, position)
);
INSERT INTO "theorems" VALUES(1,1,0,6,X'6BB61E3B7BCE0931DA574D19D1D82C88','theorem','[4,5,3]',NULL,'.{u} {α : Type u} [BEq α] (a : α) (l : List α) : (l.erase a).length ≤ l.length + 0',NULL);
INSERT INTO "theorems" VALUES(2,1,1,7,X'5D7B9ADCBE1C629EC722529DD12E5129','lemma','[4,5,3]','[1,0,4,17]','.{u} {α : Type u} [BEq α] (a : α) (l : List α) : (l.erase a).length ≤ l.length + 1','lemma erase_length_1 := by
  omega');
INSERT INTO "theorems" VALUES(3,1,2,8,X'B3149ECEA4628EFD23D2F86E5A723472','theorem','[4,5,3]',NULL,'.{u} {α : Type u} [BEq α] (a : α) (l : List α) : (l.erase a).length ≤ l.length + 2',NULL);
INSERT INTO "theorems" VALUES(4,1,3,9,X'0267AAF632E87A63288A08331F22C7C3','lemma','[4,5,3]','[3,0,6,17]','.{u} {α : Type u} [BEq α] (a : α) (l : List α) : (l.erase a).length ≤ l.length + 3','lemma erase_length_3 := by
  omega');
CREATE TABLE units (
	id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	payload TEXT NOT NULL, 
	status TEXT NOT NULL, 
	owner TEXT, 
	lease_until FLOAT, 
	message TEXT NOT NULL, 
	stored INTEGER NOT NULL, 
	known INTEGER NOT NULL, 
	CONSTRAINT pk_units PRIMARY KEY (id), 
	CONSTRAINT fk_units_run_id FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE, 
	CONSTRAINT uq_units_run_id_position UNIQUE (run_id, position)
);
INSERT INTO "units" VALUES(1,1,0,'["List.erase_length_0","List.erase_length_1"]','done',NULL,NULL,'',24,0);
INSERT INTO "units" VALUES(2,1,1,'["List.erase_length_2","List.erase_length_3"]','waiting',NULL,NULL,'',0,0);
CREATE INDEX ix_theorems_name_id ON theorems (name_id);
CREATE INDEX ix_theorems_canonical ON theorems (canonical);
CREATE INDEX ix_premises_name_id ON premises (name_id);
CREATE INDEX ix_units_run_id_status_position ON units (run_id, status, position);
CREATE INDEX ix_harvests_run_id ON harvests (run_id);
CREATE INDEX ix_harvests_name_id ON harvests (name_id);
CREATE INDEX ix_mutants_counts ON mutants (harvest_id, kind, depth, marks_id);
COMMIT;
