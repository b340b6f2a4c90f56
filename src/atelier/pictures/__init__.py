"""Pictures of pieces, drawn from their meshes with numpy alone: what the shop shows where a browser
draws none itself."""
